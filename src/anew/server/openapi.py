"""The OpenAPI document, made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ..reading.problems import Refusal
from .replies import COLUMNS, JSON, MSGPACK
from .routes import Nothing, Route

__all__ = ["openapi"]


def openapi(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The document that describes the routes.

    Args:
        version: The version of Anew.
    """
    types: list[Any] = [Refusal]
    for route in routes:
        types += [route.question, *([] if route.answer is bytes else [route.answer])]
    schemas, components = msgspec.json.schema_components(
        types, schema_hook=_array, ref_template="#/components/schemas/{name}"
    )
    known = iter(schemas)
    error = next(known)
    paths: dict[str, Any] = {}
    for route in routes:
        question = next(known)
        answer = None if route.answer is bytes else next(known)
        path = re.sub(r"\{(\w+):path\}", r"{\1}", route.path)
        asked = components.get(route.question.__name__, {})
        paths.setdefault(path, {})[route.method.lower()] = _operation(
            route, question, asked, answer, error
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Anew",
            "version": version,
            "description": "Questions about experiments, and their answers. Numbers that JSON has none for are the "
            'texts "NaN", "Infinity" and "-Infinity".',
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(
    route: Route, question: Any, asked: dict[str, Any], answer: Any, error: Any
) -> dict[str, Any]:
    in_path = re.findall(r"\{(\w+)(?::path)?\}", route.path)
    fields = asked.get("properties", {})
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": fields[name]}
            for name in in_path
        ],
        "x-anew-role": "admin" if route.admin else route.role.name.lower(),
    }
    if route.method == "GET":
        operation["parameters"] += [
            {
                "name": name,
                "in": "query",
                "required": name in asked.get("required", ()),
                "schema": schema,
            }
            for name, schema in fields.items()
            if name not in in_path
        ]
    elif route.question is not Nothing:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": question}, MSGPACK: {}},
        }
    if route.media is not None:
        content: dict[str, Any] = {route.media: {} if answer is None else {"schema": answer}}
    else:
        content = {JSON: {"schema": answer}, MSGPACK: {}, **({COLUMNS: {}} if route.arrays else {})}
    failed = {"description": "An error.", "content": {JSON: {"schema": error}}}
    operation["responses"] = {
        "200": {"description": "The answer.", "content": content},
        **({"304": {"description": "The asker has it."}} if route.method == "GET" else {}),
        "4XX": failed,
        "5XX": failed,
    }
    return operation


def _array(kind: Any) -> dict[str, Any]:
    """The schema of an array of numbers, of any number of dimensions."""
    if kind is not np.ndarray:
        raise NotImplementedError(f"{kind!r} has no schema")
    item = [{"type": "number"}, {"type": "boolean"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]
    return {"type": "array", "items": {"anyOf": [*item, {"type": "array"}]}}
