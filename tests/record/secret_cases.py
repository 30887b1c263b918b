"""The corpus of the masker: made-up credentials of every form, and texts that hold a secret or only look like it.

Credentials are put together here from parts and from a seed, so that no scanner of this repository takes them for real
ones. In the texts `{S}` stands for a password, `{K}` for a key of no known form.
"""

from __future__ import annotations

import random
import string

_random = random.Random(20)
_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def _some(count: int, alphabet: str = _ALNUM) -> str:
    """Random characters, a small and a capital letter and a digit among them where the alphabet has them."""
    text = "".join(_random.choice(alphabet) for _ in range(count))
    sure = [c for c in ("q", "Q", "7") if c in alphabet] or ["7"]
    return text[: count - len(sure)] + "".join(c for c in sure if c in alphabet).ljust(
        len(sure), alphabet[0]
    )


PASSWORD = "hunter22" + "xx"
KEY = "abcdef" + "123456"

# By the form's name; each with at least one.
CREDENTIALS: dict[str, list[str]] = {
    "AWS key id": ["AKIA" + _some(16, string.ascii_uppercase + "234567"), "ASIA" + "A1B2" * 4],
    "AWS secret": ["aws_secret = " + _some(40), "AWS secret key: '" + _some(38) + "/+" + "'"],
    "AWS session": ["IQoJb3JpZ2lu" + _some(80), "FwoGZXIvYXdz" + _some(60)],
    "AWS Bedrock": ["ABSK" + _some(112)],
    "Google API key": ["AIza" + _some(35)],
    "Google OAuth": ["ya29." + _some(60)],
    "Google OAuth secret": ["GOCSPX-" + _some(28)],
    "Google refresh token": ["1//0" + _some(60)],
    "Azure client secret": ["abc" + "8Q~" + _some(34)],
    "Azure storage": ["DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + _some(86) + "==", "Endpoint=sb://h/;SharedAccessKey=" + _some(43) + "="],
    "Azure DevOps": [_some(76) + "AZDO" + _some(4)],
    "Alibaba": ["LTAI" + _some(20)],
    "Tailscale": ["tskey-auth-" + _some(17) + "-" + _some(32)],
    "Anew": ["anew_" + _some(43)],
    "DigitalOcean": ["dop_v1_" + _some(64, _HEX)],
    "Databricks": ["dapi" + _some(32, _HEX)],
    "Fly": ["fo1_" + _some(43), "fm2_" + _some(120)],
    "HashiCorp Vault": ["hvs." + _some(90)],
    "Terraform": [_some(14) + ".atlasv1." + _some(64)],
    "Doppler": ["dp.pt." + _some(43)],
    "PlanetScale": ["pscale_tkn_" + _some(43), "pscale_pw_" + _some(43)],
    "Supabase": ["sbp_" + _some(40, _HEX), "sb_secret_" + _some(31)],
    "Cloudflare": ["v1.0-" + _some(24, _HEX) + "-" + _some(146, _HEX)],
    "GitHub": ["gh" + c + "_" + _some(36) for c in "pousr"],
    "GitHub fine-grained": ["github_pat_" + _some(22) + "_" + _some(59)],
    "GitLab": ["gl" + c + "-" + _some(20) for c in ("pat", "dt", "rt", "cbt", "ptt", "ft", "soat")],
    "GitLab runner": ["GR1348941" + _some(20)],
    "Bitbucket": ["ATBB" + _some(32)],
    "Atlassian": ["ATATT3" + _some(180)],
    "npm": ["npm_" + _some(36)],
    "PyPI": ["pypi-" + "AgEIcHlwaS5vcmc" + _some(120)],
    "RubyGems": ["rubygems_" + _some(48, _HEX)],
    "Docker": ["dckr_pat_" + _some(27), "dckr_oat_" + _some(32)],
    "JFrog": ["AKCp" + _some(69)],
    "Sourcegraph": ["sgp_" + _some(40, _HEX)],
    "Postman": ["PMAK-" + _some(24, _HEX) + "-" + _some(34, _HEX)],
    "OpenAI": ["sk-" + _some(48), "sk-" + _some(32, _HEX)],
    "OpenAI project": ["sk-proj-" + _some(80), "sk-ant-" + "api03-" + _some(93), "sk-or-v1-" + _some(64, _HEX), "sk-svcacct-" + _some(80)],
    "Hugging Face": ["hf_" + _some(34), "api_org_" + _some(34)],
    "Weights & Biases": ['wandb.login(key="' + _some(40, _HEX) + '")', "wandb login " + _some(40, _HEX)],
    "Weights & Biases v1": ["wandb_v1_" + _some(60)],
    "Comet": ['comet_ml.init(api_key="' + _some(25, string.ascii_lowercase + "7") + '")', "comet key " + _some(25, string.ascii_lowercase + "7")],
    "Neptune": ["eyJhcGlf" + _some(120)],
    "Kaggle": ["KGAT_" + _some(32, _HEX)],
    "Groq": ["gsk_" + _some(52)],
    "Replicate": ["r8_" + _some(37)],
    "xAI": ["xai-" + _some(80)],
    "Perplexity": ["pplx-" + _some(48)],
    "NVIDIA": ["nvapi-" + _some(64)],
    "Cerebras": ["csk-" + _some(48, string.ascii_lowercase + "7")],
    "Fireworks": ["fw_" + _some(24)],
    "Pinecone": ["pcsk_" + _some(70)],
    "Tavily": ["tvly-" + _some(32), "tvly-dev-" + _some(32)],
    "Jina": ["jina_" + _some(32, _HEX) + _some(28)],
    "LangSmith": ["lsv2_pt_" + _some(32, _HEX) + "_" + _some(10, _HEX), "ls__" + _some(32, _HEX)],
    "ElevenLabs": ["sk_" + _some(48, _HEX)],
    "Modal": ["as-" + _some(22)],
    "Prefect": ["pnu_" + _some(36)],
    "Slack": ["xox" + c + "-" + "2345678901-2345678901-" + _some(24) for c in "bpe"] + ["xapp-1-" + "A0B1C2D3E-12345-" + _some(40, _HEX)],
    "Slack webhook": ["https://hooks.slack.com/services/" + "T0A1B2C3D/B0A1B2C3D/" + _some(24)],
    "Discord webhook": ["https://discord.com/api/webhooks/" + "123456789012345678/" + _some(68)],
    "Teams webhook": ["https://lab.webhook.office.com/" + "webhookb2/" + _some(36) + "@" + _some(36) + "/IncomingWebhook/" + _some(32)],
    "Discord bot": ["M" + _some(25) + "." + _some(6) + "." + _some(38)],
    "Telegram bot": ["123456789" + ":A" + _some(34)],
    "Twilio": ["SK" + _some(32, _HEX)],
    "SendGrid": ["SG." + _some(22) + "." + _some(43)],
    "Mailgun": ["key-" + _some(32, _HEX)],
    "Mailchimp": [_some(32, _HEX) + "-us12"],
    "Sendinblue": ["xkeysib-" + _some(64, _HEX) + "-" + _some(16)],
    "Stripe": ["sk_live_" + _some(24), "rk_test_" + _some(24), "whsec_" + _some(32)],
    "Square": ["sq0atp-" + _some(22)],
    "Shopify": ["shpat_" + _some(32, _HEX)],
    "Notion": ["ntn_" + _some(46), "secret_" + _some(43)],
    "Linear": ["lin_api_" + _some(40)],
    "Figma": ["figd_" + _some(40)],
    "Airtable": ["pat" + _some(14) + "." + _some(64, _HEX)],
    "Grafana": ["glsa_" + _some(32) + "_" + _some(8, _HEX)],
    "Sentry": ["sntrys_" + _some(90)],
    "New Relic": ["NRAK-" + _some(27)],
    "Dropbox": ["sl." + _some(136)],
    "Facebook": ["EAA" + _some(120)],
    "age": ["AGE-SECRET-KEY-1" + _some(58, string.ascii_uppercase + "234567")],
    "1Password": ["ops_eyJ" + _some(300)],
    "JSON web token": ["eyJ" + _some(17) + "." + "eyJ" + _some(30) + "." + _some(43)],
    "HTTP authorization": ["Authorization: Bearer " + _some(24), "basic " + _some(20) + "=="],
    "Azure SAS": ["https://a.blob.core.windows.net/c?sv=2024-11-04&sig=" + _some(43) + "%3D", "?sv=2024&sig=" + _some(43)],
    "private key": [
        f"-----BEGIN {kind}PRIVATE KEY{end}-----\n" + _some(64) + "\n" + _some(32) + f"\n-----END {kind}PRIVATE KEY{end}-----"
        for kind, end in (("", ""), ("RSA ", ""), ("OPENSSH ", ""), ("EC ", ""), ("PGP ", " BLOCK"))
    ] + ["-----BEGIN PRIVATE KEY-----\\n" + _some(64) + "\\n-----END PRIVATE KEY-----\\n"],
    "user and password": [f'requests.get(url, auth=("bob", "{PASSWORD}"))', f"HTTPBasicAuth('bob', '{PASSWORD}')"],
    "database client": [f"mysql -h db -u root -p{PASSWORD} sales"],
    "docker": [f"docker login -u bob -p {PASSWORD} registry"],
    "redis client": [f"redis-cli -h db -a {PASSWORD} ping"],
    "sshpass": [f"sshpass -p {PASSWORD} ssh host"],
    "curl": [f"curl -s -u bob:{PASSWORD} https://host", f"curl --user 'bob:{PASSWORD}' https://host"],
    "netrc": [f"machine api.wandb.ai login user password {PASSWORD}"],
}  # fmt: skip

# Messages, exceptions, lines of a console, notes.
TEXTS = (
    "password={S} failed", "Login failed for user bob (password: {S})", "password = {S}", "Password : {S}",
    "api_key: {K}", "aws_secret_access_key={S}", "{{'password': '{S}'}}", '{{"password": "{S}", "user": "b"}}',
    "password='{S}'", 'password = "{S}" # x', "User(name='x', password={S}, age=3)", 'Config(api_key="{S}", lr=1)',
    "token={K}789", "Authorization: Token {K}", "X-Api-Key: {K}", "proxy-authorization: Basic {K}{K}==",
    "Cookie: sessionid={K}; x=1", "Set-Cookie: token={K}; Path=/",
    "https://h/?api_key={K}", "https://h/?key={K}&v=1", "https://bob:{S}@host/x", "https://h/x#access_token={K}",
    'connection to "postgresql://u:{S}@h/db" failed', "mongodb+srv://u:{S}@h/?x=1", "redis://:{S}@h:6/0",
    "amqp://u:{S}@h//", "jdbc:mysql://h/db?user=u&password={S}", "jdbc:postgresql://h/d;password={S}",
    "could not connect: host=h user=u password={S} port=5", "Server=tcp:h;User ID=u;Password={S};Encrypt=True",
    "Server=h;Uid=u;Pwd={S};", "grant_type=password&password={S}", "client_secret={S}&grant_type=x",
    "Command '['mysql', '--password', '{S}']' returned non-zero exit status 1.",
    "CalledProcessError: Command 'x --api-key {S}' returned 1", 'OperationalError: (1045, "Access denied", password={S})',
    "API key: {K}", "Incorrect API key provided: {K}.", "access token = {K}", "my api_key is {K}", "password -> {S}",
    "the password is {S}", "DB_PASSWORD={S}", 'export DB_PASSWORD="{S}"', "PGPASSWORD={S} psql", "MYSQL_PWD={S}",
    "AWS_SESSION_TOKEN={K}", "+db.password={S}", "++db.password={S} lr=1", "db_pass={S}", "pw={S}", "secret_key='{S}'",
    "//registry.npmjs.org/:_authToken={K}", '{{"auths": {{"h": {{"auth": "{K}=="}}}}}}', "<password>{S}</password>",
    "| password | {S} |", "Authorization: Basic {K}", "password=p&{S};x", "export PASSWORD={S} && run", "PASSWORD={S}; run",
    "Namespace(password='{S}', lr=0.1)", "$Password = '{S}'", "('password', '{S}')",
    'raise DBError("no access, password={S}")', "ALTER USER bob PASSWORD '{S}'", "password={S},user=bob",
)  # fmt: skip

# Lines of programs.
CODE = (
    'CFG = {{"host": "h", "password": "{S}", "port": 5}}', 'd = dict(user="bob", password="{S}")',
    'connect("h", password="{S}")', 'x: dict = {{"a": 1, "secret": "{S}"}}', 'os.environ["API_KEY"] = "{S}"',
    "os.environ['DB_PASSWORD']='{S}'", 'os.environ.setdefault("API_KEY", "{S}")', 'os.putenv("API_KEY", "{S}")',
    'os.environ.update(API_KEY="{S}")', 'os.environ |= {{"API_KEY": "{S}"}}', 'monkeypatch.setenv("HF_TOKEN", "{S}")',
    'parser.add_argument("--api-key", default="{S}")', 'parser.add_argument("--api-key", type=str, default="{S}", help="x")',
    'API_KEY = """{S}"""', 'API_KEY = (\n+    "{S}"\n+)', 'openai.api_key = f"{S}"', 'login(token=r"{S}")',
    'API_KEY=b"{S}"', 'api_key: str = "{S}"', 'api_key: Optional[str] = "{S}"', 'api_key: str | None = "{S}"',
    'self.password="{S}"', 'const apiKey = "{S}";', "let password = `{S}`;", 'password := "{S}"', '"password" => "{S}"',
    'if password == "{S}":', 'setattr(cfg, "api_key", "{S}")', 'cfg["db"]["password"] = "{S}"',
    'json.loads("{{\\"password\\": \\"{S}\\"}}")', "cmd = ['--password', '{S}']", 'run("mysql --password {S}")',
    'run(["x", "--api-key={S}"])', 'headers = {{"Authorization": "Token {S}"}}', 'headers={{"X-Api-Key": "{S}"}}',
    'conn = "host=h password={S} user=x"', 'create_engine("postgresql://u:{S}@h/db")', "x = {{'token': '{K}'}}",
    'password: str = typer.Option("{S}")', 'api_key = SecretStr("{S}")', 'def f(password="{S}"): pass', '("password", "{S}")',
    'requests.get(u, auth=("bob", "{S}"))', 'getenv("API_KEY", "{S}")', "# the old one: password={S}",
)  # fmt: skip

# Lines of configuration files, by the file's name.
FILES = (
    ("c.yaml", "db: {{user: bob, password: {S}}}"), ("c.yaml", "password: {S}"), ("c.yaml", "password: {S} # comment"),
    ("c.yaml", "password: correct horse {S}"), ("c.yaml", "  - api_key: {S}"), ("c.yaml", "password: |\n+  {S}"),
    ("c.yaml", "- name: API_KEY\n+  value: {S}"), ("c.yaml", 'password: "{S}"'), ("kubeconfig", "    token: {K}"),
    ("Dockerfile", "ENV API_KEY {S}"), ("Dockerfile", "ENV API_KEY={S}"), ("x.tf", 'password = "{S}"'),
    (".npmrc", "//registry.npmjs.org/:_authToken={K}"), ("c.xml", "<password>{S}</password>"),
    ("web.config", '<add key="ApiKey" value="{S}" />'), ("c.json", '{{"password":"{S}","user":"b"}}'),
    ("c.ini", "password = {S}"), ("c.properties", "spring.datasource.password={S}"), ("run.sh", "export API_KEY={S}"),
    ("run.sh", "python train.py --api-key {S}"), ("c.toml", 'password = "{S}"'), ("n.ipynb", '"api_key = \\"{S}\\"\\n",'),
)  # fmt: skip

ARGUMENTS = (
    ["+db.password={S}"], ["++db.password={S}"], ["~db.password={S}"], ["db.password={S}"], ["--password", "{S}"],
    ["--password", "-{S}"], ["--header", "X-API-Key: {K}"], ["-H", "Authorization: Token {K}"], ["--set", "password={S}"],
    ["password={S},user=x"], ["--db.password={S}"], ["env", "DB_PASSWORD={S}", "python"], ["--opts", "{{'password': '{S}'}}"],
    ["--conn=host=h password={S}"], ["--password:{S}"], ["/password:{S}"], ["--db-pass", "{S}"], ["--dbpw", "{S}"],
    ["--hf_api_token", "{S}"], ["--secret_key", "{S}"], ["--pw", "{S}"], ["mysql", "-u", "x", "-p{S}"],
    ["sshpass", "-p", "{S}", "ssh"], ["curl", "-u", "bob:{S}"], ["wandb", "login", "{S}"], ["-c", "api_key='{S}'"],
    ["--url=https://bob:{S}@host"],
)  # fmt: skip

# What only looks like a secret: left as it is, byte for byte.
INNOCENT_TEXTS = (
    "loss=0.5 tokens=1234 tokens/s=4.5e3", "pad_token: <pad> eos_token: </s>", "Tokenizer: bert-base-uncased",
    "max_tokens=512", "tokens per second: 12345.6", "auth: ok", "Token: the", "token=the", "token: 345", "key: value",
    "author: Jane Doe", "password=%s", "password={{password}}", "password=None", "api_key: null", "use_auth_token=True",
    "API_KEY=read_it(from_file)", "password: ", "passes: 3", "num_passes=10", "secretary: Bob", "keys: a, b, c",
    "cls_token=1", 'tokenizer=AutoTokenizer.from_pretrained("x")', "token_ids=[1,2,3]", "val/acc=0.91 best_key=val/acc",
    "sk-learn-is-a-library-used-here-often", "sk-resnet-50-imagenet-pretrained", "token 5 of 10", "processing token abc",
    "auth failed", "cookie monster", "hf_hub_download_repository_of_models_used", "the key insight: 2 tokens",
    "monkey=banana12345", "KeyError: 'token'", "unexpected keyword argument 'token'", "FileNotFoundError: secrets.yaml",
    "loading credentials from /home/x/.aws/credentials", "passthrough=abc12345", "next token: abc123def456",
    "id: k7f3abcd1234", "commit 0123456789abcdef0123456789abcdef01234567", "last_token: abcdef123456",
    "wandb @ git+https://github.com/wandb/wandb@0123456789abcdef0123456789abcdef01234567", "token=<pad>",
    "sha256:" + "ab12" * 16, "password must be at least 8 characters", "--token-loss 0.5", "bearer of bad news",
    "https://h/?page=3&key=", "api_key=YOUR_API_KEY", "api_key: your-api-key", "password=xxxxxxxx", "attention key: torch.float32", "key_value: abc123def456", "git@github.com:user/repo.git",
    "https://h/x?max_tokens=5&tokenizer=bert", "s3://bucket/a@b", "file:///a:b@c", "meta-llama/Llama-3-8B",
    "a basic understanding of it", "login(username=username, password=password)", "model-" + "a" * 40,
)  # fmt: skip

INNOCENT_CODE = (
    'token = tokenizer("hello world")', 'eos_token = "</s></s>"', "password = os.environ['PW_VARIABLE']",
    'key = "a plain dictionary key"', 'API_KEY = "${{FROM_ENV}}"', 'api_key = os.getenv("OPENAI_API_KEY")',
    'parser.add_argument("--token", help="the token to use", type=str)', 'token_env = "HF_TOKEN"',
    'parser.add_argument("--password", "-p", help="x")', 'SECRET_FIELDS = ["password", "secret", "api_key", "username"]',
    "login(username=username, password=password)", 'raise ValueError("Wrong password: try again")',
    'f"password={{password}}"', '"password=%s" % pw', 'token = "hello"', 'token: str = ""', 'if token == "the":',
    'tokenizer.add_special_tokens({{"pad_token": "[PAD]"}})', 'for key, token in items: print(f"{{key}}: {{token}}")',
    'vocab["token"] = 5', "model(use_auth_token=True)", 'print("Enter password:")', 'getpass("API key: ")',
    'x = d["token"]["text"]', 'optimizer = make(key="adam", token="a")', "rng_key = jax.random.PRNGKey(0)",
    'key = "0123456789abcdef0123456789abcdef"', "# the password is read from the environment",
    "auth = HTTPBasicAuth(user, password)", 'token = open("token.txt").read()', 'secret = load("secrets/prod.txt")',
    'password = os.environ.get("DB_PASSWORD")', 'password = getpass.getpass("Password: ")', 'x = ["password", "username"]', 'assert is_secret_name("password", "x")',
)  # fmt: skip
