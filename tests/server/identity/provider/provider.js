// An OpenID Connect provider that lets everybody in under the name they give: `node provider.js PORT REDIRECT`.
import Provider from "oidc-provider";

const [port, redirect] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "anew", client_secret: "secret-of-anew", redirect_uris: [redirect] }],
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: `subject-${id}`, preferred_username: id }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
