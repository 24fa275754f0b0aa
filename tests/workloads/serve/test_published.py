"""The published OpenAPI document, tried by schemathesis: what it calls right is answered, what it calls wrong is refused, nothing else comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from tests.workloads.worlds import load_named, publish, serving
from workloads.serve import openapi
from workloads.serve.settings import Settings
from workloads.store import Store

_EXAMPLES = 12
"""Of each door and kind; many more by hand: `schemathesis run URL/openapi.json`."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("published")
        patch.setenv("FALAJ_HOME", str(folder / "home"))
        patch.setenv("FALAJ_JOBS", str(folder / "jobs.sqlite"))
        publish(Store.open(folder / "releases"), folder, "v1")
        settings = Settings(str(folder / "releases"), None, new_tokens=16, batch_texts=32, cache_bytes=0, cache=folder / "cache")
        with serving(settings, load_named) as live:
            yield live.url


# Its own list lacks 413: a text beyond its bound is refused by the size of the whole body.
_REFUSED = ["400", "401", "403", "404", "405", "406", "408", "409", "413", "415", "422", "428", "429"]
_CHECKED = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": _REFUSED}}})
_BOUND = ("beams", "min_tokens", "n", "best_of", "stream_options", "logprobs", "callback")
_DOORS = [(path, method) for path, operations in openapi.document(Settings("x", None))["paths"].items() for method in operations]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), _DOORS)
def test_the_server_does_as_its_document_says(url: str, path: str, method: str, mode: GenerationMode) -> None:
    operation = schemathesis.openapi.from_url(f"{url}/openapi.json", config=_CHECKED)[path][method]
    if mode is GenerationMode.NEGATIVE and method != "post":
        return

    @limits(max_examples=_EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def tried(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            # Fields that bound one another: the document says so in words, which no generator reads.
            case.body = {name: value for name, value in case.body.items() if name not in _BOUND}
        case.call_and_validate(timeout=30)

    tried()
