// A real OpenID provider: the npm package oidc-provider, on a free port of 127.0.0.1.
//
// It says {"issuer": ...}, waits for a line with its clients, and then tells of what it does, one JSON text a line:
// {"grant": "authorization_code"}, {"logout": "<client>"}. It answers any further line with {"alive": true}. Whoever asks
// it before it has its clients waits. Any name and password are good; the user's claims are made from the name.

import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

// What the package remarks is no answer of ours.
console.info = console.error;
const say = (value) => console.log(JSON.stringify(value));
const input = createInterface({ input: process.stdin });
const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

const configured = once(input, "line").then(([line]) => serve(JSON.parse(line)));
server.on("request", async (request, response) => (await configured)(request, response));
say({ issuer });
await configured;
say({ ready: true });
input.on("line", () => say({ alive: true }));

function serve({ clients, lifetime = 3600, userinfo = false }) {
  const provider = new Provider(issuer, {
    clients: clients.map((client) => ({
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      ...client,
    })),
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    // Claims of the scopes stand in the ID token unless a test wants them asked for at the userinfo endpoint.
    conformIdTokenClaims: userinfo,
    // Without the guard of the package, which lets no request through to this machine.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_, name) => ({ accountId: name, claims: () => claims(name) }),
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: lifetime,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
  });
  provider.on("grant.success", ({ oidc }) => say({ grant: oidc.params.grant_type }));
  provider.on("grant.error", (_, error) => say({ error: error.message }));
  provider.on("server_error", (_, error) => say({ error: error.stack }));
  provider.on("backchannel.success", (_, client) => say({ logout: client.clientId }));
  provider.on("backchannel.error", (_, error, client) =>
    say({ logout: client.clientId, error: error.message }),
  );
  return provider.callback();
}

function claims(name) {
  // "long-400": a user of so many groups.
  const more = Array.from({ length: Number(name.split("-")[1] ?? 0) }, (_, at) => `a-group-${at}`);
  return {
    sub: name,
    name: `${name} of the test`,
    email: `${name}@example.com`,
    email_verified: true,
    groups: ["staff", name, ...more],
  };
}
