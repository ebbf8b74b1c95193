// Tokens that a bot must refuse. Each case says what it is answered, and with which words.
// `token` makes the token; `authorization` makes the whole header of a good one; `message` changes the activity.

import { badClaims } from "./bad_claims.mjs";
import { badSignatures } from "./bad_signatures.mjs";

export const badTokens = [...badSignatures, ...badClaims];
