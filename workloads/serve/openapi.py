"""The published description of the doors (OpenAPI 3.1), made from the same bounds that the doors check by."""

from __future__ import annotations

from typing import Any

from workloads.engine import controls
from workloads.serve.api import PRIORITIES
from workloads.serve.jobs_api import KEY
from workloads.serve.openai_api import LOGPROBS, STOPS
from workloads.serve.settings import Settings

Schema = dict[str, Any]
VERSION = "1"
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
"""Something that is not space, and no control characters but tab, line feed and carriage return."""
_STRING: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_BOOLEAN: Schema = {"type": "boolean"}


def document(settings: Settings) -> Schema:
    """The whole document for a server with these settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Falaj inference server",
            "version": VERSION,
            "description": "Answers texts with the current release of a model. Unknown fields are refused. What a request leaves out "
            "is as the model was judged: greedy, with the model's own length.",
        },
        "paths": _paths(settings),
        "components": {"schemas": _schemas(settings), "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}, {}],
    }


def _paths(settings: Settings) -> Schema:
    no_texts = {"description": "Many texts, answered behind those who wait for single answers."}
    job_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": KEY}, "description": "The same key is the same job."}
    paths: Schema = {
        "/generate": {"post": _operation("Answer one text, or a few.", "Generate", "Generated", plain=True)},
        "/batch": {"post": {**_operation("Answer many texts in one request.", "Batch", "BatchAnswer", plain=True), **no_texts}},
        "/v1/completions": {"post": _operation("Complete prompts, as OpenAI's endpoint of that name.", "Completion", "CompletionAnswer", plain=False)},
        "/v1/models": {"get": _operation("Names of the model.", None, "Models", plain=False)},
        "/v1/models/{model}": {"get": _operation("One of them.", None, "Model", plain=False, more=(404,))},
        "/v1/jobs": {"post": _operation("Queue a batch to be answered later.", "Job", "JobState", plain=True, status="202", more=(409, 501))},
        "/v1/jobs/{id}": {
            "get": _operation("How a job stands.", None, "JobState", plain=True, more=(404, 501)),
            "delete": _operation("End a job that has not ended.", None, "JobState", plain=True, more=(404, 501)),
        },
        "/v1/release": {"get": _operation("What is served, as it was signed.", None, "Release", plain=True, more=(503,))},
        "/healthz": {"get": _page("Whether the process lives.", "Alive")},
        "/readyz": {"get": _page("Whether requests are answered.", "Ready", 503)},
    }
    paths["/v1/models/{model}"]["get"]["parameters"] = [{"name": "model", "in": "path", "required": True, "schema": _STRING}]
    paths["/v1/jobs"]["post"]["parameters"] = [key]
    for method in ("get", "delete"):
        paths["/v1/jobs/{id}"][method]["parameters"] = [job_id]
    answer = paths["/v1/completions"]["post"]["responses"]["200"]
    answer["content"]["text/event-stream"] = {
        "schema": {**_object({"data": _STRING}, ("data",)), "description": "Events whose data is an object of that kind, then `[DONE]`."}
    }
    paths["/v1/completions"]["post"]["responses"]["404"] = _response("There is no such model.", "OpenAiRefusal")
    return paths


def _operation(summary: str, body: str | None, answer: str, *, plain: bool, status: str = "200", more: tuple[int, ...] = ()) -> Schema:
    refusal = "Refusal" if plain else "OpenAiRefusal"
    statuses = {401: "Not authenticated.", 403: "Not allowed.", 500: "The model or the server failed."}
    if body:
        statuses |= {
            400: "Not JSON, or out of bounds.",
            408: "The body came too slowly.",
            413: "The body is too large.",
            422: "Out of bounds.",
            429: "Too much at once; Retry-After says when.",
            503: "Not ready; Retry-After says when.",
            504: "The deadline passed.",
        }
    statuses |= dict.fromkeys(more, "See the error's own words.")
    found: Schema = {"summary": summary, "responses": {status: _response("The answer.", answer)}}
    found["responses"] |= {str(code): _response(text, refusal) for code, text in sorted(statuses.items())}
    if body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    return found


def _page(summary: str, schema: str, *statuses: int) -> Schema:
    return {"summary": summary, "security": [], "responses": {str(status): _response("The answer.", schema) for status in (200, *statuses)}}


def _response(text: str, schema: str) -> Schema:
    return {"description": text, "content": {"application/json": {"schema": _ref(schema)}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _number(bounds: tuple[float, float]) -> Schema:
    return {"type": "number", "minimum": bounds[0], "maximum": bounds[1]}


def _object(properties: Schema, required: tuple[str, ...] = (), *, closed: bool = False) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), **({"additionalProperties": False} if closed else {})}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _controls(stops: int) -> Schema:
    stop = {"type": "string", "minLength": 1, "maxLength": controls.MOST_STOP_CHARACTERS}
    found: Schema = {
        "temperature": _number(controls.TEMPERATURE),
        "top_p": _number((0.0, 1.0)),
        "top_k": _whole(0, controls.MOST_TOP_K),
        "seed": _whole(*controls.SEED),
        "beams": {**_whole(1, controls.MOST_BEAMS), "description": "Goes with neither temperature nor logprobs."},
        "length_penalty": _number(controls.LENGTH),
        "early_stopping": _BOOLEAN,
        "repetition_penalty": _number(controls.REPETITION),
        "frequency_penalty": _number(controls.PENALTY),
        "presence_penalty": _number(controls.PENALTY),
        "no_repeat_ngram": _whole(0, controls.MOST_NGRAM),
        "min_tokens": {**_whole(0, controls.MOST_TOKENS), "description": "At most max_new_tokens."},
        "stop": {"anyOf": [stop, {"type": "array", "items": stop, "maxItems": stops}]},
    }
    return {name: _or_null(schema) for name, schema in found.items()}


def _schemas(settings: Settings) -> Schema:
    text = {"type": "string", "minLength": 1, "maxLength": settings.characters, "pattern": TEXT}
    texts = {"type": "array", "items": text, "minItems": 1, "maxItems": settings.texts}
    many = {**texts, "maxItems": settings.batch_texts}
    most = _or_null(_whole(1, settings.new_tokens))
    shared = {"max_new_tokens": most, **_controls(controls.MOST_STOPS)}
    generate = {
        **shared,
        "priority": {"enum": list(PRIORITIES)},
        "timeout_seconds": _or_null({"type": "number", "exclusiveMinimum": 0, "maximum": settings.answer_seconds}),
    }
    return {
        "Generate": {
            "oneOf": [
                _object({"text": text, **generate}, ("text",), closed=True),
                _object({"texts": texts, **generate}, ("texts",), closed=True),
            ]
        },
        "Batch": _object({"texts": many, **shared}, ("texts",), closed=True),
        "Job": _object({"texts": many, **shared, "callback": {"type": "string", "format": "uri"}}, ("texts",), closed=True),
        "Completion": _object(_completion(settings, text), ("model", "prompt"), closed=True),
        **_answers(),
    }


def _completion(settings: Settings, text: Schema) -> Schema:
    choices = _or_null(_whole(1, settings.choices))
    return {
        "model": {"enum": [settings.model], "description": "The server's name of its model, or the release's version."},
        "prompt": {"anyOf": [text, {"type": "array", "items": text, "minItems": 1, "maxItems": settings.texts}]},
        "max_tokens": _or_null(_whole(1, settings.new_tokens)),
        "n": choices,
        "best_of": {**choices, "description": "At least n; not in a stream."},
        "stream": _or_null(_BOOLEAN),
        "stream_options": _or_null({**_object({"include_usage": _BOOLEAN}, closed=True), "description": "With stream true alone."}),
        "echo": {"enum": [False, None]},
        "suffix": {"enum": ["", None]},
        "logit_bias": _or_null({"type": "object", "maxProperties": 0}),
        "logprobs": {**_or_null(_whole(0, LOGPROBS)), "description": "Not in a stream."},
        "user": _or_null(_STRING),
        **_controls(STOPS),
    }


def _answers() -> Schema:
    output = _object(
        {"text": _STRING, "tokens": _WHOLE, "truncated": _BOOLEAN, "input_tokens": _WHOLE, "finish": {"enum": ["stop", "length"]}},
        ("text", "tokens", "truncated", "input_tokens", "finish"),
    )
    outputs = {"type": "array", "items": output}
    answers = {"code": _STRING, "given": _STRING, "allowed": _STRING, "why": _STRING, "next": _STRING}
    choice = _object(
        {"index": _WHOLE, "text": _STRING, "finish_reason": {"enum": ["stop", "length", None]}, "logprobs": _or_null({"type": "object"})},
        ("index", "text", "finish_reason"),
    )
    usage = _object({name: _WHOLE for name in ("prompt_tokens", "completion_tokens", "total_tokens")})
    model = _object({"id": _STRING, "object": {"const": "model"}, "created": _WHOLE, "owned_by": _STRING}, ("id", "object"))
    return {
        "Generated": _object({"release": _STRING, "outputs": outputs, "seconds": {"type": "number"}}, ("release", "outputs", "seconds")),
        "BatchAnswer": _object({"release": _STRING, "outputs": outputs, "usage": {"type": "object"}}, ("release", "outputs", "usage")),
        "CompletionAnswer": _object(
            {"id": _STRING, "object": _STRING, "created": _WHOLE, "model": _STRING, "choices": {"type": "array", "items": choice}, "usage": usage},
            ("id", "object", "created", "model", "choices"),
        ),
        "JobState": _object({"id": _STRING, "status": _STRING}, ("id", "status")),
        "Models": _object({"object": {"const": "list"}, "data": {"type": "array", "items": model}}, ("object", "data")),
        "Model": model,
        "Release": {"type": "object"},
        "Alive": _object({"status": {"const": "alive"}}, ("status",)),
        "Ready": _object({"ready": _BOOLEAN, "release": _STRING, "reason": _STRING}, ("ready",)),
        "Refusal": _object({"error": _STRING, **answers}, ("error", "code")),
        "OpenAiRefusal": _object({"error": _object({"message": _STRING, "type": _STRING, **answers}, ("message", "type"))}, ("error",)),
    }
