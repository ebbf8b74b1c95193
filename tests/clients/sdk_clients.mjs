// How each SDK is told about a credential of each kind.

import { MsalTokenProvider } from "@microsoft/agents-hosting";
import connector from "botframework-connector";

/** The settings of @microsoft/agents-hosting for an app. */
export function agentsConfig(app) {
  return {
    clientId: app.id,
    tenantId: app.tenant,
    ...{
      secret: () => ({ clientSecret: app.secret }),
      certificate: () => ({ certPemFile: app.certificate.certificateFile, certKeyFile: app.certificate.keyFile }),
      identity: () => ({ authType: "UserManagedIdentity" }),
      federated: () => ({ WIDAssertionFile: app.tokenFile }),
    }[app.kind](),
  };
}

export const agentsProvider = (app) => new MsalTokenProvider(agentsConfig(app));

/**
 * The factory of credentials of botframework-connector for an app. Its federated credential takes its assertion from a
 * managed identity, and from no file: `identity` is the app of that.
 */
export function connectorFactory(app, identity) {
  return {
    secret: () => new connector.PasswordServiceClientCredentialFactory(app.id, app.secret, app.tenant),
    certificate: () =>
      new connector.CertificateServiceClientCredentialsFactory(
        app.id,
        app.certificate.thumbprint,
        app.certificate.privateKey,
        app.tenant,
      ),
    identity: () =>
      new connector.ManagedIdentityServiceClientCredentialsFactory(app.id, new connector.JwtTokenProviderFactory()),
    federated: () => new connector.FederatedServiceClientCredentialsFactory(app.id, identity.id, app.tenant),
  }[app.kind]();
}

/** All that botframework-connector does for a bot of the public cloud in this tenant, which these callers may call. */
export function connectorAuthentication(factory, tenant, allowedCallers) {
  const constants = connector.AuthenticationConstants;
  const configuration = new connector.AuthenticationConfiguration(
    [],
    allowedCallers ? connector.allowedCallersClaimsValidator(allowedCallers) : undefined,
    [`https://sts.windows.net/${tenant}/`, `https://login.microsoftonline.com/${tenant}/v2.0`],
  );
  return connector.BotFrameworkAuthenticationFactory.create(
    "",
    true,
    constants.ToChannelFromBotLoginUrlPrefix,
    constants.ToChannelFromBotOAuthScope,
    constants.ToBotFromChannelTokenIssuer,
    constants.OAuthUrl,
    constants.ToBotFromChannelOpenIdMetadataUrl,
    constants.ToBotFromEmulatorOpenIdMetadataUrl,
    "urn:botframework:azure",
    factory,
    configuration,
    undefined,
    {},
  );
}
