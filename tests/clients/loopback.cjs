// Preloaded (node -r) into the Agents Playground, which would listen on every interface: nobody but this machine
// has any business with a bot under development.
"use strict";
const net = require("node:net");

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  if (typeof args[0] === "number" || typeof args[0] === "string" && /^\d+$/.test(args[0])) {
    const rest = args.slice(1).filter((arg) => typeof arg === "function" || typeof arg === "number");
    return listen.call(this, Number(args[0]), "127.0.0.1", ...rest);
  }
  if (args[0] !== null && typeof args[0] === "object" && args[0].port !== undefined) {
    return listen.call(this, { ...args[0], host: "127.0.0.1" }, ...args.slice(1));
  }
  return listen.apply(this, args);
};
