"""Names of keys, options and variables that hold secrets.

In machine learning a "token" is a piece of text more often than a key to somewhere, so names are judged by their
words: `hf_token` and `api_token` name secrets, `pad_token`, `max_tokens` and `tokenizer` do not.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["has_hint", "is_certain_name", "is_secret_name", "words_of"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What a name must hold to be looked at any closer.
_HINTS = (
    "key", "token", "secret", "pass", "psw", "pw", "cred", "auth", "bearer", "jwt", "cookie", "webhook",
    "connection", "dsn",
)  # fmt: skip
# A name with one of these words names a secret.
_SECRET_WORDS = _set(
    "accesskey accesstoken apikey apitoken auth authkey authorization authtoken bearer clientsecret cred credential "
    "credentials creds dbpass dbpw hftoken jwt passcode passkey passphrase passwd password passwords pswd psswd psw "
    "pwd rootpw secret secretkey secrets sshkey userpass userpw"
)
# … or with a word that ends so ("dbpassword").
_SECRET_ENDS = (
    "password", "passwd", "passphrase", "apikey", "secretkey", "authtoken", "accesstoken", "accesskey", "apitoken",
    "bottoken", "privatekey", "accountkey", "authkey", "signingkey", "encryptionkey", "masterkey", "licensekey",
    "storagekey", "clientsecret", "appsecret",
)  # fmt: skip
# … or with two words in a row: the first, by the second.
_SECRET_PAIRS = {
    "key": _set(
        "access account admin ai anthropic api app auth aws azure clearml client cohere comet datadog deploy discord "
        "encryption gcp gemini github google groq hf huggingface kaggle langchain langfuse langsmith license mailgun "
        "master mistral mlflow neptune openai pinecone private qdrant replicate secret sendgrid sentry serper service "
        "shared signing ssh storage stripe subscription tavily twilio voyage wandb weaviate"
    ),
    "pass": _set(
        "admin database db email ftp http login mail mongo mysql pg postgres proxy redis root smtp ssh sudo user"
    ),
    "pw": _set(
        "admin database db email ftp http login mail mongo mysql pg postgres proxy redis root smtp ssh sudo user"
    ),
    "token": _set(
        "access api app auth aws azure bearer bot comet csrf deploy discord gh github gitlab google hf hub "
        "huggingface id jwt login mlflow neptune npm oauth openai personal pypi refresh registry replicate sas "
        "secret security service session slack telegram tracking upload wandb"
    ),
    "string": frozenset(["connection"]),
    "url": frozenset(["webhook"]),
    "webhook": frozenset(["discord", "slack", "teams"]),
}
_SECRET_ALONE = frozenset(["cookie", "dsn", "pass", "pw", "token"])
_SECRET_LAST = frozenset(["cookie", "cookies", "dsn"])
# "… token" is a piece of text or a count after these words.
_TEXT_TOKENS = _set(
    "action additional answer assistant audio avg bad begin blank block bos bot byte char chat class cls "
    "context current decoder delimiter doc dummy each empty encoder end eod eos eot every extra fill fim final "
    "first forced global goal ignore image img input label lang language last latent mask max mean memory "
    "message middle min n new newline next num output pad padding patch pause per placeholder prefix prev "
    "previous prompt query question register reward role sep separator sentinel single source spatial special "
    "speech src start state stop sub subword suffix system target task temporal text tgt think thinking time "
    "tool total trigger turn unk unknown vision visual vocab word"
)
# Names with one of these as a word, or as its end, are certain wherever they stand: what follows is a secret, however
# it looks. After the others ("token", "auth", "cookie") a text that looks like a word may be one.
_CERTAIN_WORDS = _set(
    "secret secrets clientsecret pwd psw pswd psswd passcode dbpass dbpw userpw userpass rootpw"
)
_CERTAIN_PAIRS = frozenset(["key", "pass", "pw"])


def has_hint(text: str) -> bool:
    """Whether a text may hold a name of a secret at all; a quick look that lets almost nothing pass that does not."""
    folded = text.casefold()
    return any(hint in folded for hint in _HINTS)


_SOURCES = (".py", ".pyx", ".ipynb", ".so")
"""Ends of the names of code: what stands beside such a name is its hash."""


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a key of this name would hold a secret (`api_key`, `WANDB_API_KEY`, `db.password` …)."""
    if not has_hint(name) or name.endswith(_SOURCES):
        return False
    words = words_of(name)
    if not words or (
        name.casefold() in ("pwd", "oldpwd") and name.isupper()
    ):  # the shell's working directory
        return False
    if any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words):
        return True
    if _pair(words):
        return True
    last = words[-1]
    if (len(words) == 1 and last in _SECRET_ALONE) or last in _SECRET_LAST:
        return True
    # Whose token it is, is not known: better masked than told.
    return last == "token" and len(words) > 1 and words[-2] not in _TEXT_TOKENS


@lru_cache(maxsize=4096)
def is_certain_name(name: str) -> bool:
    """Whether a secret name leaves no doubt: `password` and `api_key` do not, `token` and `auth` do."""
    words = words_of(name)
    return any(w in _CERTAIN_WORDS or w.endswith(_SECRET_ENDS) for w in words) or (
        _pair(words) in _CERTAIN_PAIRS
    )


def _pair(words: list[str]) -> str | None:
    """The second of the first two words in a row that name a secret together."""
    for i, second in enumerate(words[1:]):
        for form in (second, second.removesuffix("s")):
            if words[i] in _SECRET_PAIRS.get(form, ()):
                return form
    return None


def words_of(name: str) -> list[str]:
    """The words of a name, in lower case: parted by marks, digits, and where a capital begins one (`AWSKey`, `apiKey`)."""
    words, word, before = [], "", ""
    for i, char in enumerate(name):
        begins = char.isupper() and (
            before.islower() or (before.isupper() and name[i + 1 : i + 2].islower())
        )
        if not char.isalpha() or begins:
            if word:
                words.append(word)
            word = ""
        if char.isalpha():
            word += char.lower()
        before = char
    return [*words, word] if word else words
