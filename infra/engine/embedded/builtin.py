"""The `pulumi` package inside the engine: stack references and look-ups of resources already registered."""

from __future__ import annotations

from collections.abc import Callable

from pulumi.provider.experimental import provider as rpc

from falaj.errors import UsageError
from infra.engine.embedded import urns
from infra.engine.embedded.providers import ProviderClient, Read
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.state import StateFile
from infra.engine.embedded.values import Properties, Secret, contains, unsupported

STACK_REFERENCE = "pulumi:pulumi:StackReference"
Lookup = Callable[[str], Resource | None]


class Builtin(ProviderClient):
    """Answers without a provider object; `find` gives a resource registered in this run."""

    def __init__(self, find: Lookup) -> None:
        super().__init__(rpc.Provider())
        self._find = find

    def read(self, urn: str, id_: str, inputs: Properties, outputs: Properties) -> Read:
        if urns.type_of(urn) != STACK_REFERENCE:
            raise unsupported(f"reading {urns.type_of(urn)}", urn)
        return Read(id_, inputs, stack_reference(inputs["name"]))

    def invoke(self, token: str, arguments: Properties) -> tuple[Properties | None, list[tuple[str, str]]]:
        if token == "pulumi:pulumi:readStackOutputs":
            return stack_reference(arguments["name"]), []
        if token == "pulumi:pulumi:getResource":
            found = self._find(arguments["urn"])
            if found is None:
                raise UsageError(f"unknown resource {arguments['urn']}")
            return {"urn": found.urn, "id": found.id, "state": found.outputs}, []
        raise unsupported(f"the invoke {token}", token)


def stack_reference(name: str) -> Properties:
    """Outputs of another stack, `organization/<project>/<stack>`. Raises UsageError when that stack does not exist here."""
    parts = name.split("/")
    if len(parts) != 3:
        raise UsageError("a stack reference needs three parts", given=name, allowed="organization/<project>/<stack>")
    _, project, stack = parts
    file = StateFile(stack, project)
    roots = [resource for resource in file.load().resources if resource.type == urns.STACK_TYPE]
    if not roots:
        raise UsageError(
            f"unknown stack '{name}'",
            given=name,
            why=f"there is no state of project {project} in environment {stack}",
            next="apply that stack first; `falaj plan --env` chains our own stacks without it",
        )
    outputs = roots[0].outputs
    names = sorted(key for key, value in outputs.items() if contains(value, Secret))
    return {"name": name, "outputs": outputs, "secretOutputNames": names}
