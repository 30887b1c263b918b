"""Secrets are recognised, and what only looks like one is left alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.provenance.patch import is_code
from anew.record.secret_forms import FORMS, SHORTEST, SPREAD_FORMS
from anew.record.secrets import (
    MASK,
    LineMask,
    is_secret_name,
    mask_arguments,
    mask_secrets,
    mask_source,
    mask_text,
)
from tests.record import secret_cases as cases

SECRET_NAMES = [
    "api_key",
    "apiKey",
    "API_KEY",
    "apikey",
    "api-key",
    "api.key",
    "X-Api-Key",
    "x_api_key",
    "api_keys",
    "OPENAI_API_KEY",
    "WANDB_API_KEY",
    "openaiApiKey",
    "api_key2",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "aws_secret_access_key",
    "access_key",
    "secret_key",
    "secretKey",
    "SECRET",
    "secret",
    "secrets",
    "app_secret",
    "client_secret",
    "clientSecret",
    "password",
    "Password",
    "passwd",
    "db.password",
    "db_password",
    "dbpassword",
    "DB_PASS",
    "user_pass",
    "passphrase",
    "pwd",
    "credentials",
    "credential",
    "private_key",
    "privateKey",
    "ssh_key",
    "encryption_key",
    "signing_key",
    "account_key",
    "AZURE_STORAGE_KEY",
    "service_account_key",
    "KAGGLE_KEY",
    "master_key",
    "auth",
    "bearer",
    "auth_token",
    "authToken",
    "access_token",
    "accessToken",
    "refresh_token",
    "id_token",
    "session_token",
    "hf_token",
    "HF_TOKEN",
    "HuggingFaceToken",
    "HUGGING_FACE_HUB_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "gitlab_token",
    "token",
    "api_token",
    "api-token",
    "bot_token",
    "use_auth_token",
    "NEPTUNE_API_TOKEN",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "my_company_token",
    "jwt",
    "jwt_token",
    "sas_token",
    "cookie",
    "session_cookie",
    "Authorization",
    "connection_string",
    "sentry_dsn",
    "slack_webhook",
    "webhook_url",
]

INNOCENT_NAMES = [
    "lib/secrets.py",
    "auth/api_key.so",
    "num_tokens",
    "n_tokens",
    "max_tokens",
    "min_tokens",
    "total_tokens",
    "tokens",
    "token_ids",
    "tokens_per_second",
    "tokenizer",
    "tokenize",
    "tokenizer_name",
    "TOKENIZERS_PARALLELISM",
    "pad_token",
    "pad_token_id",
    "eos_token",
    "bos_token",
    "unk_token",
    "sep_token",
    "cls_token",
    "mask_token",
    "mask_token_prob",
    "image_token",
    "special_tokens",
    "additional_special_tokens",
    "decoder_start_token",
    "forced_bos_token",
    "next_token",
    "last_token",
    "class_token",
    "register_tokens",
    "per_token_loss",
    "loss_per_token",
    "token_loss",
    "token_accuracy",
    "token_dropout",
    "token_embedding",
    "token_type_ids",
    "token_classification",
    "max_new_tokens",
    "prompt_tokens",
    "author",
    "authors",
    "author_name",
    "authored_by",
    "authority",
    "key",
    "keys",
    "key_dim",
    "num_keys",
    "key_size",
    "query_key_value",
    "primary_key",
    "sort_key",
    "key_padding_mask",
    "public_key",
    "keyboard",
    "monkey",
    "passes",
    "num_passes",
    "bypass",
    "passthrough",
    "compass",
    "forward_pass",
    "pass_through",
    "passage",
    "passenger",
    "secretary",
    "lr",
    "model",
    "PWD",
    "OLDPWD",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_of_a_secret_is_one(name: str) -> None:
    assert is_secret_name(name)
    assert mask_secrets({name: "planted-value"}) == {name: MASK}
    assert mask_secrets({"a": [{name: "planted-value"}]}) == {"a": [{name: MASK}]}
    assert mask_arguments([f"--{name}", "planted", f"--{name}=planted"]) == [
        f"--{name}",
        MASK,
        f"--{name}={MASK}",
    ]


@pytest.mark.parametrize("name", INNOCENT_NAMES)
def test_a_name_that_only_looks_like_one_is_left_alone(name: str) -> None:
    assert not is_secret_name(name)
    assert mask_secrets({name: "value"}) == {name: "value"}
    assert mask_arguments([f"--{name}", "value", f"--{name}=value"]) == [
        f"--{name}",
        "value",
        f"--{name}=value",
    ]


def filled(text: str) -> str:
    """A text of the corpus with its secret in it."""
    return text.format(S=cases.PASSWORD, K=cases.KEY)


def leaks(text: str) -> bool:
    return cases.PASSWORD in text or cases.KEY in text


def test_every_form_of_a_credential_has_a_case_and_every_case_a_form() -> None:
    names = [form.name for form in (*FORMS, *SPREAD_FORMS)]
    assert sorted(names) == sorted(cases.CREDENTIALS)


@pytest.mark.parametrize("name", cases.CREDENTIALS)
def test_a_credential_of_a_known_form_is_masked_anywhere_in_a_text(name: str) -> None:
    (form,) = (form for form in (*FORMS, *SPREAD_FORMS) if form.name == name)
    for text in cases.CREDENTIALS[name]:
        found = re.search(form.pattern, text)
        assert found is not None, "the form's own pattern does not find it"
        assert any(mark in text for mark in form.marks), "its marks keep it from being tried"
        secret = found[0][len(found.groupdict().get("head") or "") :]
        if form in FORMS:
            assert max(map(len, text.split())) >= SHORTEST
        for around in (text, f"use {text} for it", f"x: '{text}'", f"({text})", f"a\n{text}\nb"):
            assert secret not in mask_text(around)
            assert MASK in mask_text(around)
        for code in (True, False):
            assert secret not in mask_source(f'+x = """{text}"""\n', code=code)
        assert secret not in str(mask_secrets({"notes": [f"it is {text}"], text: 1}))
        assert secret not in str(mask_arguments(["train.py", text]))


@pytest.mark.parametrize("text", cases.TEXTS)
def test_a_secret_behind_its_name_is_masked_in_a_text(text: str) -> None:
    assert leaks(filled(text))
    assert not leaks(mask_text(filled(text)))
    assert not leaks(mask_text(f"Traceback:\n  {filled(text)}\n"))


@pytest.mark.parametrize("line", cases.CODE)
def test_a_secret_in_a_line_of_a_program_is_masked(line: str) -> None:
    added = f"+{filled(line)}\n"
    masked = mask_source(added, code=True)
    assert not leaks(masked)
    assert masked.count("\n") == added.count("\n")


@pytest.mark.parametrize(("name", "line"), cases.FILES)
def test_a_secret_in_a_line_of_a_file_is_masked(name: str, line: str) -> None:
    added = f"+{filled(line)}\n+other: 1\n"
    masked = mask_source(added, code=is_code(name))
    assert not leaks(masked)
    assert masked.endswith("\n+other: 1\n")
    assert masked.count("\n") == added.count("\n")


@pytest.mark.parametrize("arguments", cases.ARGUMENTS, ids=" ".join)
def test_a_secret_on_a_command_line_is_masked(arguments: list[str]) -> None:
    given = [filled(argument) for argument in arguments]
    masked = mask_arguments(["train.py", *given, "--lr", "0.1"])
    assert not leaks(" ".join(masked))
    assert masked[0] == "train.py"
    assert masked[-2:] == ["--lr", "0.1"]
    assert len(masked) == len(given) + 3


@pytest.mark.parametrize("text", cases.INNOCENT_TEXTS)
def test_a_text_that_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    text = filled(text)
    assert mask_text(text) == text
    assert mask_secrets({"notes": f"a {text}"}) == {"notes": f"a {text}"}


@pytest.mark.parametrize("line", cases.INNOCENT_CODE)
def test_code_that_only_looks_like_a_secret_is_left_alone(line: str) -> None:
    added = f"+{filled(line)}\n"
    assert mask_source(added, code=True) == added


def test_a_key_that_comes_line_by_line_is_masked_whole() -> None:
    key = cases.CREDENTIALS["private key"][0]
    mask = LineMask()
    kept = "".join(mask(f"{line}\n") for line in ["before", *key.splitlines(), "after"])
    assert kept.splitlines()[0] == "before"
    assert kept.splitlines()[-1] == "after"
    assert not any(line in kept for line in key.splitlines()[1:-1])
    assert LineMask()(f"before\n{key}\nafter\n").splitlines() == ["before", MASK, "after"]


def test_pairs_and_named_values_are_masked() -> None:
    key = cases.KEY
    pairs = [["X-Api-Key", key], ["Accept", key]]
    assert mask_secrets(pairs) == [["X-Api-Key", MASK], ["Accept", key]]
    named = {"env": [{"name": "API_KEY", "value": key}]}
    assert mask_secrets(named) == {"env": [{"name": "API_KEY", "value": MASK}]}
    assert mask_secrets({"username": "bob", "key": key * 3}) == {"username": "bob", "key": MASK}
    assert mask_secrets({"c": ["x", "--token", key]}) == {"c": ["x", "--token", MASK]}


def test_masked_keys_of_a_mapping_stay_apart() -> None:
    first, second = cases.CREDENTIALS["GitHub"][:2]
    assert mask_secrets({first: 1, second: 2}) == {MASK: 1, f"{MASK}*": 2}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://bob:hunter2@host/x", "https://bob:***@host/x"),
        ("postgresql://u:p@ss@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("redis://:hunter2@host", "redis://:***@host"),
        ("https://ghx_abcdefghijklmnop@github.com/a", "https://***@github.com/a"),
        ("https://h/x?token=abc&page=1", "https://h/x?token=***&page=1"),
        ("https://h/x?a=1&X-Amz-Signature=abc", "https://h/x?a=1&X-Amz-Signature=***"),
        ("https://h/x?sig=abc&sv=1", "https://h/x?sig=***&sv=1"),
        ("Authorization: Bearer abcdefghijklmnop0123", "Authorization: Bearer ***"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic ***"),
        ("AccountName=a;AccountKey=abcd==;E=x", "AccountName=a;AccountKey=***;E=x"),
        ("export WANDB_API_KEY=0123456789abcdef && go", "export WANDB_API_KEY=*** && go"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----", "***"),
        ("x -----BEGIN PRIVATE KEY-----\ncut off", "x ***"),
    ],
)
def test_secrets_inside_urls_headers_and_keys_are_masked_and_the_rest_stays(
    text: str, masked: str
) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "https://host/very/long@path",
        "https://h/x?max_tokens=5&tokenizer=bert",
        "git@github.com:user/repo.git",
        "user@host.com",
        "s3://bucket/a@b",
        "file:///a:b@c",
        "meta-llama/Llama-3-8B",
        "sk-resnet-50-imagenet-pretrained",
        "sk-learn-is-a-library-used-here-often",
        "task-" + "a" * 30,
        "risk-" + "a" * 40,
        "hf_hub_download_repository_of_models_used",
        "sha256:" + "0a1b2c3d" * 8,
        "bearer of bad news",
        "a basic understanding of it",
        "API_KEY=read_it(from_file)",
        "MAX_TOKENS=12345678",
        "lr=1e-3",
        "",
    ],
)
def test_ordinary_texts_are_left_alone(text: str) -> None:
    assert mask_text(text) == text


def test_pieces_of_text_are_kept_under_a_name_that_could_be_either() -> None:
    plain: dict[str, Any] = {"my_token": "<pad>", "token": "[CLS]", "stop_token": "the end"}
    assert mask_secrets(plain) == plain


def test_only_texts_are_masked_and_the_shape_stays() -> None:
    record = {
        "use_auth_token": True,
        "api_key": None,
        "token": 0,
        "password": "",
        "n": {"secret": 0.5},
    }
    assert mask_secrets(record) == record


def test_a_password_of_digits_is_masked_too() -> None:
    assert mask_secrets({"password": 12345678}) == {"password": MASK}


def test_everything_below_credentials_is_secret() -> None:
    record = {
        "credentials": {"first": "abc", "more": [{"x": "def"}]},
        "auth": {"user": "bob", "password": "x"},
    }
    assert mask_secrets(record) == {
        "credentials": {"first": MASK, "more": [{"x": MASK}]},
        "auth": {"user": "bob", "password": MASK},
    }


def test_lists_of_secrets_and_of_variables_are_masked() -> None:
    assert mask_secrets({"api_keys": ["a", "b"]}) == {"api_keys": [MASK, MASK]}
    assert mask_secrets({"env": ["A=1", "WANDB_API_KEY=abc"]}) == {
        "env": ["A=1", f"WANDB_API_KEY={MASK}"]
    }


def test_an_option_without_a_value_hides_nothing_else() -> None:
    assert mask_arguments(["--token", "--lr", "0.1"]) == ["--token", "--lr", "0.1"]
    assert mask_arguments(["train.py", "https://a:b@c"]) == ["train.py", "https://a:***@c"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
)


@given(JSON, st.text(max_size=12))
def test_masking_again_changes_nothing(value: Any, name: str) -> None:
    once = mask_secrets(value, name)
    assert mask_secrets(once, name) == once


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert mask_text(mask_text(text)) == mask_text(text)
    is_secret_name(text)
    mask_arguments([text, text])
