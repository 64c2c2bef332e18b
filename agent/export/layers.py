"""The layers of the streaming step, with the published weights folded into them: convolutions over frequency, linear layers and
the step of a GRU. See agent.export.model for the rewrites that they are made for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 64
HIDDEN = 256
BATCH_NORM_EPSILON = 1e-5
MIN_INPUTS_OF_A_PRODUCT = 300  # from this size on, a group of inputs is worth a product of its own; found by measuring

Weights = Mapping[str, Tensor]
Factors = Tensor
"""One number per channel, [C]."""


# --- Convolutions over frequency: [B, C, rows, columns], where a plain spectrum is one row.


def batch_norm(weights: Weights, name: str) -> tuple[Factors, Factors]:
    """Returns the scale and offset that a BatchNorm applies at inference."""
    scale = weights[f"{name}.weight"].double() / (weights[f"{name}.running_var"].double() + BATCH_NORM_EPSILON).sqrt()
    return scale, weights[f"{name}.bias"].double() - weights[f"{name}.running_mean"].double() * scale


def _separable(weights: Weights, name: str) -> tuple[list[Factors], Tensor, Factors]:
    """Reads a 1 x 3 depthwise and a pointwise convolution. Returns taps (left, middle, right), matrix [C out, C] and offset."""
    scale, offset = batch_norm(weights, f"{name}.2")
    taps = weights[f"{name}.0.weight"][:, 0, 0].double()
    return list(taps.unbind(1)), weights[f"{name}.1.weight"][:, :, 0, 0].double() * scale[:, None], offset


class Dense(nn.Module):
    """Applies a convolution of one row, and ReLU. [B, K, 1, F] -> [B, C, 1, F]."""

    def __init__(self, kernel: Tensor, offset: Factors) -> None:
        """`kernel` [C, K, columns], an odd number of columns."""
        super().__init__()
        self.kernel, self.offset = nn.Buffer(kernel[:, :, None].float().contiguous()), nn.Buffer(offset.float())

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(functional.conv2d(x, self.kernel, self.offset, padding=(0, self.kernel.shape[3] // 2)))


class Pointwise(nn.Module):
    """Multiplies with a matrix at every place, and applies ReLU."""

    def __init__(self, matrix: Tensor, offset: Factors) -> None:
        """`matrix` [C out, C]."""
        super().__init__()
        self.kernel, self.offset = nn.Buffer(matrix[:, :, None, None].float().contiguous()), nn.Buffer(offset.float())

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(functional.conv2d(x, self.kernel, self.offset))


class Depthwise(nn.Module):
    """Applies a kernel per channel, given as rows of factors, None for 0. An odd number of columns is centred on a place; an even
    number begins there. The rows are padded so that a kernel of several rows makes as many out of one (see `UpTo16`)."""

    def __init__(self, kernel: Sequence[Sequence[Factors | None]], *, offset: Factors | None = None, stride: int = 1) -> None:
        super().__init__()
        zero = torch.zeros(CHANNELS, dtype=torch.float64)
        rows = [torch.stack([zero if factor is None else factor for factor in row], 1) for row in kernel]
        self.kernel = nn.Buffer(torch.stack(rows, 1)[:, None].float())  # [C, 1, rows, columns]
        self.offset = None if offset is None else nn.Buffer(offset.float())
        columns = len(kernel[0])
        self.pad = (len(kernel) // 2, columns // 2 if columns % 2 else 0)
        self.stride = (1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.kernel, self.offset, stride=self.stride, padding=self.pad, groups=CHANNELS)


class Separable(nn.Sequential):
    """Convolves 3 frequencies depthwise, then pointwise, with BatchNorm and ReLU. [B, C, 1, F] -> [B, C, 1, F / stride]."""

    def __init__(self, weights: Weights, name: str, *, stride: int = 1) -> None:
        taps, matrix, offset = _separable(weights, name)
        super().__init__(Depthwise([taps], stride=stride), Pointwise(matrix, offset))


# Transposed convolutions of stride 2: frequency i gives middle * x[i] to 2 i, and 2 i + 1 is right * x[i] + left * x[i + 1]. The
# frequencies above the first 8 are laid out in rows, so that no number has to be moved: of 16, row h has the frequencies 2 i + h;
# of 32 there are two such arrays, with the frequencies 4 i + 2 h and 4 i + 2 h + 1.


class UpTo16(nn.Sequential):
    """Doubles the frequencies: [B, C, 1, 8] -> [B, C, 2, 8], with pointwise convolution, BatchNorm and ReLU."""

    def __init__(self, weights: Weights, name: str) -> None:
        (left, middle, right), matrix, offset = _separable(weights, name)
        super().__init__(Depthwise([[None, right, left], [None, middle, None]]), Pointwise(matrix, offset))


class UpTo32(nn.Module):
    """Doubles the frequencies: [B, C, 2, 8] -> two of this shape, with pointwise convolution, BatchNorm and ReLU."""

    def __init__(self, weights: Weights, name: str) -> None:
        super().__init__()
        (left, middle, right), matrix, offset = _separable(weights, name)
        self.even = Pointwise(matrix * middle, offset)
        kernel = [[None, None, left], [None, right, None], [None, left, None]]
        self.odd = nn.Sequential(Depthwise(kernel), Pointwise(matrix, offset))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.even(x), self.odd(x)


class Scale(nn.Module):
    """Applies a 1 x 1 depthwise kernel, BatchNorm and ReLU. [B, C, 1, F] -> [B, C, rows, 8]."""

    def __init__(self, weights: Weights, name: str, *, rows: Sequence[int] = (0,), step: int = 1) -> None:
        """Row h of the result has the frequencies `step` i + rows[h]."""
        super().__init__()
        scale, offset = batch_norm(weights, f"{name}.1")
        factor = weights[f"{name}.0.weight"].flatten().double() * scale
        # The one row that there is meets the kernel's last row first.
        kernel = [[factor if column == chosen else None for column in range(step)] for chosen in reversed(rows)]
        self.depthwise = Depthwise(kernel, offset=offset, stride=step)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.depthwise(x))


def flat(x: Tensor) -> Tensor:
    """Lays out [B, C, 1, F] as [B, F * C]."""
    return x.permute(0, 2, 3, 1).flatten(1)


# --- Linear layers, and what runs over time


class GroupedLinear(nn.Module):
    """Multiplies each group of inputs with a matrix of its own: [B, groups * inputs] -> [B, groups, outputs], no offset."""

    def __init__(self, matrix: Tensor) -> None:
        """`matrix` [groups, inputs, outputs]."""
        super().__init__()
        self.matrix = nn.Buffer(matrix.contiguous())
        self.one_by_one = matrix.shape[1] >= MIN_INPUTS_OF_A_PRODUCT

    def forward(self, x: Tensor) -> Tensor:
        groups, inputs, outputs = self.matrix.shape
        if self.one_by_one:
            parts = [x[:, group * inputs : (group + 1) * inputs] @ self.matrix[group] for group in range(groups)]
            return torch.cat(parts, 1).view(-1, groups, outputs)
        return (x.reshape(-1, groups, inputs).transpose(0, 1) @ self.matrix).transpose(0, 1)


class GruCell(nn.Module):
    """Computes one step of a GRU layer. The reset and update gates of input and state are one matrix product."""

    def __init__(self, weights: Weights, name: str, layer: int) -> None:
        super().__init__()
        of_input, of_state, input_offset, state_offset = (
            weights[f"{name}.{kind}_l{layer}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        gates = 2 * HIDDEN
        self.gates = nn.Buffer(torch.cat((of_input[:gates], of_state[:gates]), 1).T.contiguous())
        self.gates_offset = nn.Buffer(input_offset[:gates] + state_offset[:gates])
        self.of_input = nn.Buffer(of_input[gates:].T.contiguous())
        self.of_state = nn.Buffer(of_state[gates:].T.contiguous())
        self.input_offset, self.state_offset = nn.Buffer(input_offset[gates:]), nn.Buffer(state_offset[gates:])

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        gates = torch.sigmoid(torch.cat((x, state), 1) @ self.gates + self.gates_offset)
        reset, update = gates.chunk(2, 1)
        candidate = torch.tanh(x @ self.of_input + self.input_offset + reset * (state @ self.of_state + self.state_offset))
        new: Tensor = candidate + update * (state - candidate)
        return new
