"""The pieces that T5's graphs are made of, as ONNX nodes; weights stay in `weights.safetensors`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from falaj.errors import UsageError
from falaj.files import write_durably
from workloads.engine.weight_file import WeightFile

OPSET = 18
BLOCKS = (64, 32, 16)
"""Block lengths that are used for weights in groups, best first. Longer ones are a few per cent faster, but ONNX Runtime then sums an odd row
in another order than a pair, and a last bit that differs can tip the rounding of the next layer's input to 8 bits: rows would depend on
their neighbours.
"""
_ZERO = 128
"""What stands for 0 in 8 bits."""
_INT8 = 4
"""MatMulNBits' accuracy level that multiplies in 8 bits, each block of each row with its own scale: a row does not see its neighbours."""


class Graph:
    """A graph under construction. Names of nodes are made up; `shared` keeps what more than one layer uses."""

    def __init__(self, name: str, config: dict[str, Any], weights: WeightFile) -> None:
        from onnx import TensorProto, helper

        self.config, self.weights = config, weights
        self._name, self._helper, self._proto = name, helper, TensorProto
        self._nodes: list[Any] = []
        self._initialisers: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._shared: dict[Any, str] = {}
        self._count = 0

    def input(self, name: str, kind: str, shape: list[int | str]) -> None:
        self._inputs.append(self._helper.make_tensor_value_info(name, self._kind(kind), shape))

    def output(self, name: str, value: str, kind: str, shape: list[int | str]) -> None:
        """Give `value` out as `name`."""
        if name != value:
            self._nodes.append(self._helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._helper.make_tensor_value_info(name, self._kind(kind), shape))

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self._add(operator, inputs, 1, domain, attributes)[0]

    def constant(self, value: Any) -> str:
        """A small tensor kept in the graph; the same value is kept once."""
        array = np.asarray(value)
        key = (str(array.dtype), array.shape, array.tobytes())
        return self.shared(key, lambda: self._keep(array))

    def axes(self, axis: int) -> str:
        return self.constant(np.array([axis], np.int64))

    def shared(self, key: Any, make: Callable[[], str]) -> str:
        """What `make` gave when `key` was first asked for."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def weight(self, name: str, shape: tuple[int, ...] | None = None, kind: str | None = None) -> str:
        """A tensor of the weights as external data, perhaps seen in another shape or as another type of the same size."""
        if name not in self._initialisers:
            offset, length = self.weights.place(name)
            tensor = self._proto(name=name, dims=shape or self.weights.shape(name), data_type=self._kind(kind or str(self.weights.kind(name))))
            tensor.data_location = self._proto.EXTERNAL
            for key, value in (("location", self.weights.path.name), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(value))
            self._initialisers[name] = tensor
        return name

    def clipped(self, value: str, lowest: int, highest: int, kind: str = "int64") -> str:
        number = np.dtype(kind).type
        return self.node("Clip", value, self.constant(number(lowest)), self.constant(number(highest)))

    def split(self, value: str, sizes: list[int]) -> list[str]:
        """Cut the last axis."""
        inputs = (value, self.constant(np.array(sizes, np.int64)))
        return self._add("Split", inputs, len(sizes), "", {"axis": -1})

    def embedded(self, tokens: str) -> str:
        rows = self.node("Gather", self.weight("embed"), tokens, axis=0)
        return rows if self.weights.kind("embed") == np.float32 else self.node("Cast", rows, to=self._proto.FLOAT)

    def normed(self, hidden: str, branch: str | None, name: str) -> tuple[str, str]:
        """Root mean square norm of `hidden` + `branch`, and that sum."""
        scale, epsilon = self.weight(name), float(self.config["epsilon"])
        if branch is None:
            return self.node("SimplifiedLayerNormalization", hidden, scale, axis=-1, stash_type=1, epsilon=epsilon), hidden
        found = self._add("SkipSimplifiedLayerNormalization", (branch, hidden, scale), 4, "com.microsoft", {"epsilon": epsilon}, used=(0, 3))
        return found[0], found[1]

    def feed_forward(self, hidden: str, name: str) -> str:
        inner, width = self.linear(hidden, f"{name}.in"), self.weights.rows(f"{name}.in")
        operator, domain = ("Relu", "") if self.config["activation"] == "relu" else ("FastGelu", "com.microsoft")
        if self.config["gated"]:
            gate, linear = self.split(inner, [width // 2] * 2)
            inner = self.node("Mul", self.node(operator, gate, domain=domain), linear)
        else:
            inner = self.node(operator, inner, domain=domain)
        return self.linear(inner, f"{name}.out")

    def attention(self, query: str, key: str, value: str, past_key: str, past_value: str, before: str, total: str, bias: str, *, heads: int) -> str:
        """One query a row over the row's first `before` + 1 places of the cache; writes its key and value at place `before`."""
        output = self._fresh()
        self._nodes.append(
            self._helper.make_node(
                "GroupQueryAttention",
                [query, key, value, past_key, past_value, before, total, "", "", "", bias],
                [output, f"{past_key}_out", f"{past_value}_out"],
                domain="com.microsoft",
                num_heads=heads,
                kv_num_heads=heads,
                scale=1.0,
            )
        )
        return output

    def linear(self, hidden: str, name: str) -> str:
        """`hidden` [T,K] times a linear of the weights -> [T,N]."""
        if f"{name}.w" in self.weights:
            return self.node("Gemm", hidden, self.weight(f"{name}.w"), transB=1)
        outputs, inputs = self.weights.shape(f"{name}.q")
        if len(self.weights.shape(f"{name}.s")) == 1:
            return self._by_rows(hidden, name)
        quantised, scales, block = self._blocks(name, outputs, inputs)
        return self.node("MatMulNBits", hidden, quantised, scales, domain="com.microsoft", K=inputs, N=outputs, bits=8, block_size=block, accuracy_level=_INT8)

    def save(self, path: Path) -> None:
        """Write the graph to `path`, whole or not at all."""
        graph = self._helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, list(self._initialisers.values()))
        opsets = [self._helper.make_opsetid("", OPSET), self._helper.make_opsetid("com.microsoft", 1)]
        model = self._helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="falaj")
        write_durably(path, model.SerializeToString(deterministic=True))

    def _by_rows(self, hidden: str, name: str) -> str:
        """A product in whole numbers, each row of `hidden` with one scale: exact, so no row sees its neighbours, and quick for many rows.

        On a processor with AMX it is several times as fast as MatMulNBits, which unpacks 8-bit weights to multiply many rows.
        """
        scales, levels = self.shared(("rows", hidden), lambda: "\0".join(self._quantised(hidden))).split("\0")
        # The same bytes taken for signed ones are off by 128, which is their highest bit. ONNX Runtime does this once, when it loads.
        signed = self.node("BitwiseXor", self.weight(f"{name}.q", kind="int8"), self.constant(np.int8(-_ZERO)))
        product = self.node(
            "MatMulIntegerToFloat",
            levels,
            self.node("Transpose", signed, perm=[1, 0]),
            self.constant(np.float32(1)),
            self.weight(f"{name}.s"),
            self.constant(np.uint8(_ZERO)),
            # Not shared: where ONNX Runtime turns weights back to unsigned ones it makes this anew for each product.
            self._keep(np.zeros((), np.int8)),
            domain="com.microsoft",
        )
        return self.node("Mul", product, self.node("Unsqueeze", scales, self.axes(1)))

    def _quantised(self, hidden: str) -> tuple[str, str]:
        """(scale of each row, the rows in 8 bits around 128)."""
        largest = self.node("ReduceMax", self.node("Abs", hidden), self.axes(1), keepdims=0)
        scales = self.node("Max", self.node("Mul", largest, self.constant(np.float32(1 / 127))), self.constant(np.float32(1e-20)))
        middle = self.node("Expand", self.constant(np.full(1, _ZERO, np.uint8)), self.node("Shape", scales))
        return scales, self.node("QuantizeLinear", hidden, scales, middle, axis=0)

    def _blocks(self, name: str, outputs: int, inputs: int) -> tuple[str, str, int]:
        """Names of the quantised rows and of their scales as MatMulNBits wants them, and the block length."""
        groups = self.weights.shape(f"{name}.s")[1]
        group = inputs // groups
        block = next((size for size in BLOCKS if group % size == 0), 0)
        if not block or inputs % groups:
            raise UsageError(f"the weights of {name} are in groups that ONNX Runtime has no kernel for", given=str(group), allowed="multiples of 16")
        quantised = self.weight(f"{name}.q", (outputs, inputs // block, block))
        if block == group:
            return quantised, self.weight(f"{name}.s"), block
        # Blocks do not cross groups, so each has the scale of the group it is in.
        of_block = np.arange(inputs // block) * block // group
        return quantised, self._keep(self.weights.values(f"{name}.s")[:, of_block]), block

    def _keep(self, array: Any) -> str:
        from onnx import numpy_helper

        name = self._fresh()
        self._initialisers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def _add(
        self, operator: str, inputs: tuple[str, ...], outputs: int, domain: str, attributes: dict[str, Any], used: tuple[int, ...] | None = None
    ) -> list[str]:
        names = [self._fresh() if used is None or index in used else "" for index in range(outputs)]
        self._nodes.append(self._helper.make_node(operator, list(inputs), names, domain=domain, **attributes))
        return [name for name in names if name]

    def _fresh(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _kind(self, name: str) -> int:
        return self._helper.np_dtype_to_tensor_dtype(np.dtype(name))
