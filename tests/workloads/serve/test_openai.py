"""OpenAI's own client library against a real server, and what differs from OpenAI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.workloads.worlds import Live, load_named, publish, serving
from workloads.serve.settings import Settings
from workloads.store import Store


@pytest.fixture
def live(store: Store, settings: Settings, tmp_path: Path) -> Iterator[Live]:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as found:
        yield found


@pytest.fixture
def client(live: Live) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0)


def test_a_completion_whole_and_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="falaj", prompt="echo hello there", max_tokens=40)
    shown = (whole.object, whole.model, whole.choices[0].text, whole.choices[0].finish_reason)
    assert shown == ("text_completion", "v1", "hello there", "stop")
    assert whole.usage and (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (17, 12, 29)
    chunks = list(client.completions.create(model="v1", prompt="echo hello there", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == "hello there"
    assert ([chunk.choices[0].finish_reason for chunk in chunks[-3:-1]], chunks[-1].usage) == ([None, "stop"], whole.usage)
    assert len(chunks) > 3 and len({chunk.id for chunk in chunks}) == 1


def test_several_prompts_and_choices_keep_their_order_in_both_forms(client: openai.OpenAI) -> None:
    wanted: dict[str, Any] = {"model": "falaj", "prompt": ["echo one", "echo two"], "n": 2, "temperature": 0.01, "seed": 5}
    whole = client.completions.create(**wanted)
    assert [(choice.index, choice.text) for choice in whole.choices] == [(0, "one"), (1, "one"), (2, "two"), (3, "two")]
    found: dict[int, str] = {}
    for chunk in client.completions.create(**wanted, stream=True):
        for choice in chunk.choices:
            found[choice.index] = found.get(choice.index, "") + choice.text
    assert found == {0: "one", 1: "one", 2: "two", 3: "two"}


def test_length_stop_strings_and_log_probabilities(client: openai.OpenAI) -> None:
    cut = client.completions.create(model="falaj", prompt="echo abcdef", max_tokens=3).choices[0]
    assert (cut.text, cut.finish_reason) == ("abc", "length")
    stopped = client.completions.create(model="falaj", prompt="echo abcdef", stop=["de", "zz"]).choices[0]
    assert (stopped.text, stopped.finish_reason) == ("abc", "stop")
    told = client.completions.create(model="falaj", prompt="echo ab", logprobs=2).choices[0].logprobs
    assert told and (told.tokens, told.text_offset) == (["a", "b", ""], [0, 1, 2])
    assert told.token_logprobs and told.top_logprobs and told.top_logprobs[0]["a"] == pytest.approx(told.token_logprobs[0])


def test_the_best_of_several_is_the_likeliest(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="falaj", prompt="echo abc", n=1, best_of=4, temperature=0.5, seed=3)
    assert (len(answer.choices), answer.choices[0].text, answer.choices[0].logprobs) == (1, "abc", None)
    assert answer.usage and answer.usage.completion_tokens >= 4 * 4


def test_models_are_listed_and_found_by_name(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["falaj", "v1"]
    assert client.models.retrieve("v1").owned_by == "falaj"
    with pytest.raises(openai.NotFoundError) as refused:
        client.completions.create(model="gpt-4", prompt="a")
    assert refused.value.code == "model_not_found"


Make = Callable[[openai.OpenAI], Any]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"echo": True}, "not_offered"),
        ({"suffix": "end"}, "not_offered"),
        ({"logit_bias": {"5": 1}}, "not_offered"),
        ({"n": 9}, "out_of_bounds"),
        ({"n": 3, "best_of": 2}, "out_of_bounds"),
        ({"best_of": 2, "stream": True}, "not_in_a_stream"),
        ({"logprobs": 1, "stream": True}, "not_in_a_stream"),
        ({"logprobs": 6}, "out_of_bounds"),
        ({"max_tokens": 0}, "out_of_bounds"),
        ({"max_tokens": -1}, "out_of_bounds"),
        ({"temperature": 3}, "out_of_bounds"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "out_of_bounds"),
        ({"prompt": [1, 2, 3]}, "bad_text"),
        ({"prompt": ""}, "bad_text"),
        ({"extra_body": {"unheard_of": 1}}, "unknown_field"),
    ],
)
def test_what_is_not_offered_is_refused_in_openais_words(client: openai.OpenAI, given: dict[str, Any], code: str) -> None:
    create: Any = client.completions.create
    with pytest.raises(openai.BadRequestError) as refused:
        create(**{"model": "falaj", "prompt": "a", **given})
    body = refused.value.body
    assert isinstance(body, dict) and (body["code"], body["type"]) == (code, "invalid_request_error")


def test_fields_beyond_openais_reach_the_model_and_user_changes_nothing(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="falaj", prompt="echo abc", user="someone", extra_body={"beams": 2, "length_penalty": 1.0})
    assert answer.choices[0].text == "abc"
