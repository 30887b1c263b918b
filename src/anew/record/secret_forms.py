r"""The forms of credentials that are recognised wherever they stand: a table.

To add a form, add a line here and a case of the same name to `tests/record/secret_cases.py`. `marks` are texts of
which one must be in a text for the pattern to be tried at all, so a longer table does not make ordinary texts slower.
Where only a part of what a pattern finds is the secret, what comes before it is the group `head`, and stays.
"""

from __future__ import annotations

__all__ = ["FORMS", "SHORTEST", "SPREAD_FORMS", "Form"]

SHORTEST = 16
"""Every text that one of `FORMS` finds holds so many characters in a row without a space."""


class Form:
    """One form of a credential: its name, the texts of which one must be there, and its pattern."""

    __slots__ = ("marks", "name", "pattern")

    def __init__(self, name: str, marks: tuple[str, ...], pattern: str) -> None:
        self.name = name
        self.marks = marks
        self.pattern = pattern


_B = r"(?<![A-Za-z0-9])"  # a credential does not begin in the middle of a word
_E = r"(?![A-Za-z0-9])"
_MIXED = r"(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[0-9])"

FORMS: tuple[Form, ...] = (
    # -- clouds
    Form("AWS key id", ("AKIA", "ASIA", "ABIA", "ACCA"), rf"{_B}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}{_E}"),
    Form("AWS secret", ("aws", "AWS", "Aws", "secret", "Secret", "SECRET"),
         rf"(?is)(?P<head>(?:aws|secret).{{0,40}}?[\"'\s:=])(?-i:{_MIXED})[A-Za-z0-9/+]{{40}}(?![A-Za-z0-9/+])"),
    Form("AWS session", ("FwoGZXIvYXdz", "IQoJb3JpZ2lu"), r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=]{40,}"),
    Form("AWS Bedrock", ("ABSK",), rf"{_B}ABSK[A-Za-z0-9+/]{{90,}}=*"),
    Form("Google API key", ("AIza",), rf"{_B}AIza[0-9A-Za-z_-]{{35}}"),
    Form("Google OAuth", ("ya29.",), rf"{_B}ya29\.[\w-]{{30,}}"),
    Form("Google OAuth secret", ("GOCSPX-",), rf"{_B}GOCSPX-[\w-]{{20,}}"),
    Form("Google refresh token", ("1//0",), rf"{_B}1//0[\w-]{{30,}}"),
    Form("Azure client secret", ("Q~",), r"(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{31,40}"),
    Form("Azure storage", ("AccountKey=", "SharedAccessKey=", "SharedAccessSignature="),
         r"(?P<head>\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)=)(?!\*\*\*)[^;\s\"']+"),
    Form("Azure DevOps", ("AZDO",), r"(?<![A-Za-z0-9])[A-Za-z0-9]{70,80}AZDO[A-Za-z0-9]{4}"),
    Form("Alibaba", ("LTAI",), rf"{_B}LTAI[A-Za-z0-9]{{17,21}}{_E}"),
    Form("DigitalOcean", ("do",), rf"{_B}do[opr]_v1_[0-9a-f]{{64}}"),
    Form("Databricks", ("dapi",), rf"{_B}dapi[0-9a-f]{{32}}(?:-\d)?"),
    Form("Fly", ("fo1_", "fm1", "fm2_"), rf"{_B}(?:fo1_[\w-]{{43}}|fm[12][ar]?_[A-Za-z0-9+/]{{60,}}=*)"),
    Form("HashiCorp Vault", ("hvs.", "hvb.", "hvr."), rf"{_B}hv[sbr]\.[\w-]{{20,}}"),
    Form("Terraform", ("atlasv1.",), rf"{_B}[A-Za-z0-9]{{14}}\.atlasv1\.[\w=-]{{50,}}"),
    Form("Doppler", ("dp.",), rf"{_B}dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{{30,}}"),
    Form("PlanetScale", ("pscale_",), rf"{_B}pscale_(?:tkn|pw|oauth)_[\w.=-]{{30,}}"),
    Form("Tailscale", ("tskey-",), rf"{_B}tskey-[a-z]+-[\w-]{{20,}}"),
    Form("Supabase", ("sbp_", "sb_secret_"), rf"{_B}(?:sbp_[0-9a-f]{{40}}|sb_secret_[\w-]{{20,}})"),
    Form("Cloudflare", ("v1.0-",), rf"{_B}v1\.0-[0-9a-f]{{24}}-[0-9a-f]{{100,}}"),
    Form("Anew", ("anew_",), rf"{_B}anew_[\w-]{{43}}"),
    # -- code and packages
    Form("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_B}gh[pousr]_[A-Za-z0-9]{{30,}}"),
    Form("GitHub fine-grained", ("github_pat_",), rf"{_B}github_pat_\w{{30,}}"),
    Form("GitLab", ("gl",),
         rf"{_B}gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[\w.-]{{20,}}"),
    Form("GitLab runner", ("GR1348941",), rf"{_B}GR1348941[\w-]{{20,}}"),
    Form("Bitbucket", ("ATBB",), rf"{_B}ATBB[A-Za-z0-9=_-]{{28,}}"),
    Form("Atlassian", ("ATATT3", "ATCTT3"), rf"{_B}AT[AC]TT3[\w=-]{{60,}}"),
    Form("npm", ("npm_",), rf"{_B}npm_[A-Za-z0-9]{{36}}"),
    Form("PyPI", ("pypi-",), rf"{_B}pypi-[A-Za-z0-9_-]{{30,}}"),
    Form("RubyGems", ("rubygems_",), rf"{_B}rubygems_[0-9a-f]{{48}}"),
    Form("Docker", ("dckr_",), rf"{_B}dckr_(?:pat|oat)_[\w-]{{20,}}"),
    Form("JFrog", ("AKCp",), rf"{_B}AKCp[A-Za-z0-9]{{60,}}"),
    Form("Sourcegraph", ("sgp_",), rf"{_B}sgp_(?:[A-Za-z0-9]+_)?[0-9a-f]{{40}}"),
    Form("Postman", ("PMAK-",), rf"{_B}PMAK-[0-9a-f]{{24}}-[0-9a-f]{{34}}"),
    # -- models and experiments
    # Random characters, not words joined by dashes.
    Form("OpenAI", ("sk-",),
         rf"{_B}sk-(?=[\w-]{{0,80}}(?:[A-Za-z0-9]{{16}}|[0-9][\w-]{{0,80}}[A-Z]|[A-Z][\w-]{{0,80}}[0-9]))[\w-]{{20,}}"),
    Form("OpenAI project", ("sk-",), rf"{_B}sk-(?:ant|proj|svcacct|admin|None|or|lf)-[\w-]{{20,}}"),
    Form("Hugging Face", ("hf_", "api_org_"), rf"{_B}(?:hf_|api_org_)[A-Za-z0-9]{{30,}}"),
    Form("Weights & Biases", ("wandb",),
         r"(?i)(?P<head>wandb.{0,30}?(?:login|key|token|secret).{0,6}?(?<![\w/@#.-]))[0-9a-f]{40}(?![0-9a-z])"),
    Form("Weights & Biases v1", ("wandb_v1_",), rf"{_B}wandb_v1_[A-Za-z0-9_]{{20,}}"),
    Form("Comet", ("omet", "OMET"),
         r"(?i)(?P<head>comet.{0,30}?(?:login|key|token|init|experiment).{0,6}?(?<![\w/@#.-]))"
         r"(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{25}(?![0-9a-z])"),
    Form("Neptune", ("eyJhcGlf",), rf"{_B}eyJhcGlf[A-Za-z0-9+/=_-]{{30,}}"),
    Form("Kaggle", ("KGAT_",), rf"{_B}KGAT_[0-9a-f]{{32}}"),
    Form("Groq", ("gsk_",), rf"{_B}gsk_[A-Za-z0-9]{{30,}}"),
    Form("Replicate", ("r8_",), rf"{_B}r8_[A-Za-z0-9]{{30,}}"),
    Form("xAI", ("xai-",), rf"{_B}xai-[A-Za-z0-9]{{40,}}"),
    Form("Perplexity", ("pplx-",), rf"{_B}pplx-[A-Za-z0-9]{{40,}}"),
    Form("NVIDIA", ("nvapi-",), rf"{_B}nvapi-[\w-]{{40,}}"),
    Form("Cerebras", ("csk-",), rf"{_B}csk-[a-z0-9]{{40,}}"),
    Form("Fireworks", ("fw_",), rf"{_B}fw_(?=[A-Za-z]*[0-9])[A-Za-z0-9]{{22,}}{_E}"),
    Form("Pinecone", ("pcsk_",), rf"{_B}pcsk_\w{{40,}}"),
    Form("Tavily", ("tvly-",), rf"{_B}tvly-(?:dev-|prod-)?[A-Za-z0-9]{{20,}}"),
    Form("Jina", ("jina_",), rf"{_B}jina_[0-9a-f]{{32}}[\w-]{{10,}}"),
    Form("LangSmith", ("lsv2_", "ls__"), rf"{_B}(?:lsv2_(?:pt|sk)_[0-9a-f]{{32}}_[0-9a-f]{{10}}|ls__[0-9a-f]{{32}})"),
    Form("ElevenLabs", ("sk_",), rf"{_B}sk_[0-9a-f]{{48}}{_E}"),
    Form("Modal", ("as-", "ak-"), rf"{_B}a[sk]-(?=[A-Za-z]*[0-9])[A-Za-z0-9]{{22}}{_E}"),
    Form("Prefect", ("pnu_", "pnb_"), rf"{_B}pn[ub]_[A-Za-z0-9]{{30,}}"),
    # -- people and messages
    Form("Slack", ("xox", "xapp-"), rf"{_B}(?:xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{{10,}}|xapp-\d-[A-Za-z0-9-]{{20,}})"),
    Form("Slack webhook", ("hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/+-]{20,}"),
    Form("Discord webhook", ("/api/webhooks/",), r"(?P<head>discord(?:app)?\.com/api/webhooks/)\d+/[\w-]{20,}"),
    Form("Teams webhook", ("webhook.office.com/",), r"(?P<head>webhook\.office\.com/)[\w@/.-]{40,}"),
    Form("Discord bot", (".",), rf"{_B}[MNO][A-Za-z0-9_-]{{23,27}}\.[\w-]{{6}}\.[\w-]{{27,40}}"),
    Form("Telegram bot", (":A",), r"(?<![0-9A-Za-z])[0-9]{8,10}:A[A-Za-z0-9_-]{34}(?![\w-])"),
    Form("Twilio", ("SK",), rf"{_B}SK[0-9a-f]{{32}}{_E}"),
    Form("SendGrid", ("SG.",), rf"{_B}SG\.[\w-]{{16,}}\.[\w-]{{16,}}"),
    Form("Mailgun", ("key-",), rf"{_B}key-[0-9a-f]{{32}}{_E}"),
    Form("Mailchimp", ("-us",), rf"{_B}[0-9a-f]{{32}}-us[0-9]{{1,2}}{_E}"),
    Form("Sendinblue", ("xkeysib-",), rf"{_B}xkeysib-[0-9a-f]{{64}}-[A-Za-z0-9]{{16}}"),
    # -- other services
    Form("Stripe", ("k_live_", "k_test_", "k_prod_", "whsec_"),
         rf"{_B}(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{{16,}}|whsec_[A-Za-z0-9+/=]{{24,}})"),
    Form("Square", ("sq0",), rf"{_B}sq0(?:atp|csp)-[\w-]{{22,}}"),
    Form("Shopify", ("shp",), rf"{_B}shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}"),
    Form("Notion", ("secret_", "ntn_"), rf"{_B}(?:secret_[A-Za-z0-9]{{43}}|ntn_[A-Za-z0-9]{{40,}}){_E}"),
    Form("Linear", ("lin_",), rf"{_B}lin_(?:api|oauth)_[A-Za-z0-9]{{30,}}"),
    Form("Figma", ("figd_", "figo_"), rf"{_B}fig[do]_[\w-]{{30,}}"),
    Form("Airtable", ("pat",), rf"{_B}pat[A-Za-z0-9]{{14}}\.[0-9a-f]{{64}}"),
    Form("Grafana", ("glsa_", "glc_"), rf"{_B}(?:glsa_[A-Za-z0-9]{{32}}_[0-9a-f]{{8}}|glc_[A-Za-z0-9+/]{{32,}}=*)"),
    Form("Sentry", ("sntrys_", "sntryu_"), rf"{_B}sntry[su]_[\w+/=-]{{40,}}"),
    Form("New Relic", ("NRAK-", "NRII-"), rf"{_B}NR(?:AK|II)-[A-Za-z0-9_-]{{20,}}"),
    Form("Dropbox", ("sl.",), rf"{_B}sl\.(?:u\.)?[\w-]{{100,}}"),
    Form("Facebook", ("EAA",), rf"{_B}EAA[A-Za-z0-9]{{60,}}"),
    Form("age", ("AGE-SECRET-KEY-",), rf"{_B}AGE-SECRET-KEY-1[0-9A-Z]{{40,}}"),
    Form("1Password", ("ops_eyJ",), rf"{_B}ops_eyJ[A-Za-z0-9+/=_-]{{60,}}"),
    # -- of no one service
    Form("JSON web token", ("eyJ",), rf"{_B}eyJ[\w-]{{10,}}\.[\w-]{{10,}}\.[\w-]{{5,}}"),
    Form("HTTP authorization", ("earer ", "asic ", "EARER ", "ASIC "),
         r"(?P<head>\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC) +)(?=[\w.~+/-]*[0-9A-Z=])[\w.~+/-]{16,}=*"),
    Form("Azure SAS", ("sig=",), r"(?P<head>(?:^|[?&;\s])sig=)(?!\*\*\*)[\w%+/=-]{10,}"),
)  # fmt: skip
"""The forms that are one long word, the ones tried first standing first."""

SPREAD_FORMS: tuple[Form, ...] = (
    Form("private key", ("PRIVATE KEY",),
         r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)"),
    Form("user and password", ("auth", "Auth", "login"),
         r"(?P<head>\b(?:auth[ ]?=[ ]?|\w*Auth|\w*login)\([ ]?(?P<q>[\"'])[^\"'\n]*(?P=q)[ ]?,[ ]?(?P<p>[\"']))(?!\*\*\*)[^\"'\n]{3,}(?=(?P=p))"),
    Form("database client", ("mysql", "mariadb"), r"(?P<head>\b(?:mysql\w*|mariadb)\b[^\n|;]{0,80}?\s-p)(?!\*\*\*)[^\s\"',]+"),
    Form("docker", ("docker", "podman"), r"(?P<head>\b(?:docker|podman)\s+login\b[^\n|;]{0,120}?\s-p[ =]?)(?!\*\*\*)[^\s\"',]+"),
    Form("redis client", ("redis-cli",), r"(?P<head>\bredis-cli\b[^\n|;]{0,120}?\s-a[ =]?)(?!\*\*\*)[^\s\"',]+"),
    Form("sshpass", ("sshpass",), r"(?P<head>\bsshpass[\"']?,?\s+[\"']?-p[\"']?,?\s*[\"']?)(?!\*\*\*)[^\s\"']+"),
    Form("curl", ("curl",), r"(?P<head>\bcurl\b[^\n|;]{0,120}?\s[\"']?(?:-u|--user)[\"',]*[= ]?[\"']?[^\s:\"']+:)(?!\*\*\*)[^\s\"']+"),
    Form("netrc", ("login",), r"(?P<head>\blogin\s+\S+\s+password\s+)(?!\*\*\*)\S+"),
)  # fmt: skip
"""The forms of several words or lines, and of passwords that may be short."""
