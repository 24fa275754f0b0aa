"""Whatever the config key `spec` asks for: a JSON list of resources, each with the options that it names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "vectors" / "programs"))

import pulumi
from vec import Thing, lookup  # ty: ignore[import-not-found]


class Box(pulumi.ComponentResource):
    def __init__(self, type_: str, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(type_, name, {}, opts)
        self.register_outputs({})


class Seen(pulumi.CustomResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("vec:index:Thing", name, {"value": None, "computed": None}, opts)


made: dict[str, Any] = {}


def tagging(word: str) -> Any:
    """A transform that changes the value of every thing, and keeps it when it goes."""

    def tag(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "vec:index:Thing":
            return None
        args.opts.retain_on_delete = True
        return pulumi.ResourceTransformResult({**args.props, "label": word}, args.opts)

    return tag


def options(item: dict[str, Any]) -> pulumi.ResourceOptions:
    given = dict(item.get("options", {}))
    for name in ("parent", "deleted_with"):
        if name in given:
            given[name] = made[given[name]]
    for name in ("depends_on", "replace_with"):
        if name in given:
            given[name] = [made[key] for key in given[name]]
    if "custom_timeouts" in given:
        given["custom_timeouts"] = pulumi.CustomTimeouts(**given["custom_timeouts"])
    if "transform" in given:
        given["transforms"] = [tagging(given.pop("transform"))]
    if "aliases" in given:
        given["aliases"] = [alias(each) for each in given["aliases"]]
    return pulumi.ResourceOptions(**given)


def alias(given: Any) -> Any:
    if isinstance(given, str):
        return given
    if given.get("parent") is None and "parent" in given:
        return pulumi.Alias(**{**given, "parent": pulumi.ROOT_STACK_RESOURCE})
    return pulumi.Alias(**{**given, **({"parent": made[given["parent"]]} if "parent" in given else {})})


def value(given: Any) -> Any:
    if isinstance(given, dict):
        if "of" in given:
            return made[given["of"]].computed
        if "secret" in given:
            return pulumi.Output.secret(given["secret"])
        if "asked" in given:
            return lookup(given["asked"]).apply(lambda found: found["answer"])
    return given


for each in json.loads(pulumi.Config().require("spec")):
    kind, name = each["kind"], each["name"]
    if kind == "transform":
        pulumi.runtime.register_resource_transform(tagging(name))
    elif kind == "box":
        made[each["key"]] = Box(each["type"], name, options(each))
    elif kind == "seen":
        made[each["key"]] = Seen(name, options(each))
    else:
        more = {key: value(given) for key, given in each.get("inputs", {}).items()}
        made[each["key"]] = Thing(name, **more, opts=options(each))
