"""DeepFilterNet2 as a streaming step in PyTorch: one new frame of features for B voices in, mask, filter and the new state out.

The same function as `df.deepfilternet2.DfNet`, written for speed; every rewrite is exact up to rounding:
- BatchNorm is folded into the convolution before it; a depthwise and its pointwise convolution are merged where that is cheaper.
- Only the newest frame is computed. The three time taps of the two input convolutions see a window of features. The five taps of
  the pathway convolution add into partial sums of this and the next four frames: [96, 50] numbers are kept, not [4, 96, 64].
- Channels are last, so that every convolution over frequency is a few shifted multiplications and one matrix product.
- A transposed convolution of stride 2 is two phases: even outputs w1 x[i], odd outputs w2 x[i] + w0 x[i+1].
- For ONNX Runtime: factors per channel are repeated for every frequency, so that one multiplication runs over a whole voice;
  matrix products are two-dimensional, so that offset and ReLU become part of them; large grouped products are one product per
  group, whose weights are then packed once and not in every hop.

Names: `enc`, `erb_dec` and `df_dec` are the encoder, the mask decoder and the filter decoder of the paper (Schroeter et al.,
"DeepFilterNet2: Towards Real-Time Speech Enhancement on Embedded Devices for Full-Band Audio", IWAENC 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

BANDS = 32
BINS = 96
TAPS = 5
CHANNELS = 64
HIDDEN = 256
SUMS = TAPS * 2 * TAPS
BATCH_NORM_EPSILON = 1e-5
WORTH_A_PRODUCT_OF_ITS_OWN = 300  # inputs of a group, found by measuring
LSNR_MIN_DB, LSNR_MAX_DB = -15.0, 35.0

Weights = Mapping[str, Tensor]


class State(NamedTuple):
    """Memory of the network, one row per voice; zeros at the start of a stream."""

    erb_past: Tensor     # [B, 34, 2]     the two frames before, frequency padded by one at both ends
    bins_past: Tensor    # [B, 98, 4]     the same for the bins: (time, re/im)
    pathway: Tensor      # [B, 96, 50]    sums of the pathway convolution: (this frame and the four to come, output)
    encoder: Tensor      # [B, 256]
    mask_1: Tensor       # [B, 256]
    mask_2: Tensor       # [B, 256]
    filter_1: Tensor     # [B, 256]
    filter_2: Tensor     # [B, 256]

    @classmethod
    def zeros(cls, voices: int) -> State:
        shapes = [(BANDS + 2, 2), (BINS + 2, 4), (BINS, SUMS), *[(HIDDEN,)] * 5]
        return cls(*(torch.zeros(voices, *shape) for shape in shapes))


def _batch_norm(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """Scale and offset [C] that a BatchNorm applies at inference."""
    scale = weights[f"{name}.weight"].double() / (weights[f"{name}.running_var"].double() + BATCH_NORM_EPSILON).sqrt()
    return scale, weights[f"{name}.bias"].double() - weights[f"{name}.running_mean"].double() * scale


def _separable(weights: Weights, name: str) -> tuple[Tensor, Tensor, Tensor]:
    """1 x 3 depthwise and pointwise convolution -> taps [3, C], pointwise matrix [C, C out], offset [C out]."""
    scale, offset = _batch_norm(weights, f"{name}.2")
    taps = weights[f"{name}.0.weight"][:, 0, 0].T.double()
    return taps, (weights[f"{name}.1.weight"][:, :, 0, 0].double() * scale[:, None]).T, offset


def _dense(x: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Matrix product over the last axis, with ReLU: [..., K] -> [rows, N]."""
    return torch.relu(x.reshape(-1, matrix.shape[0]) @ matrix + offset)


def _from_left(x: Tensor) -> Tensor:
    """Every frequency takes the value of the one below it, the lowest one zero. [B, F, C]."""
    return functional.pad(x[:, :-1], (0, 0, 1, 0))


def _from_right(x: Tensor) -> Tensor:
    return functional.pad(x[:, 1:], (0, 0, 0, 1))


class Separable(nn.Module):
    """Depthwise convolution of 3 frequencies, then pointwise, BatchNorm, ReLU. [B, F, C] -> [B, F / stride, C], stride 1 or 2."""

    def __init__(self, weights: Weights, name: str, *, frequencies: int, stride: int) -> None:
        super().__init__()
        taps, matrix, offset = _separable(weights, name)
        self.stride, self.outputs = stride, frequencies // stride
        self.left, self.middle, self.right = (nn.Buffer(tap.float().repeat(self.outputs, 1)) for tap in taps)
        self.matrix, self.offset = nn.Buffer(matrix.float().contiguous()), nn.Buffer(offset.float())

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            left, middle, right = _from_left(x), x, _from_right(x)
        else:
            pairs = x.view(-1, self.outputs, 2, CHANNELS)
            middle, right = pairs[:, :, 0], pairs[:, :, 1]
            left = _from_left(right)
        mixed = left * self.left + middle * self.middle + right * self.right
        return _dense(mixed, self.matrix, self.offset).view(-1, self.outputs, CHANNELS)


class Upsample(nn.Module):
    """Transposed depthwise convolution of stride 2, then pointwise, BatchNorm and ReLU. [B, F, C] -> [B, 2 F, C]."""

    def __init__(self, weights: Weights, name: str, *, frequencies: int) -> None:
        super().__init__()
        taps, matrix, offset = _separable(weights, name)
        self.outputs = 2 * frequencies
        self.left, self.middle, self.right = (nn.Buffer(tap.float().repeat(frequencies, 1)) for tap in taps)
        self.matrix, self.offset = nn.Buffer(matrix.float().contiguous()), nn.Buffer(offset.float())

    def forward(self, x: Tensor) -> Tensor:
        even, odd = x * self.middle, x * self.right + _from_right(x) * self.left
        return _dense(torch.cat((even, odd), 2), self.matrix, self.offset).view(-1, self.outputs, CHANNELS)


class Scale(nn.Module):
    """Convolution with a 1 x 1 depthwise kernel, BatchNorm and ReLU: a factor and an offset per channel."""

    def __init__(self, weights: Weights, name: str, *, frequencies: int) -> None:
        super().__init__()
        scale, offset = _batch_norm(weights, f"{name}.1")
        factor = weights[f"{name}.0.weight"].flatten().double() * scale
        self.factor, self.offset = (nn.Buffer(value.float().repeat(frequencies, 1)) for value in (factor, offset))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x * self.factor + self.offset)


class GroupedLinear(nn.Module):
    """[B, groups * inputs] -> [B, groups * outputs], no offset."""

    def __init__(self, weights: Weights, name: str) -> None:
        super().__init__()
        self.matrix = nn.Buffer(weights[f"{name}.weight"])  # [groups, inputs, outputs]
        self.one_by_one = self.matrix.shape[1] >= WORTH_A_PRODUCT_OF_ITS_OWN

    def forward(self, x: Tensor) -> Tensor:
        groups, inputs, outputs = self.matrix.shape
        if self.one_by_one:
            return torch.cat([x[:, group * inputs : (group + 1) * inputs] @ self.matrix[group] for group in range(groups)], 1)
        return (x.reshape(-1, groups, inputs).transpose(0, 1) @ self.matrix).transpose(0, 1).reshape(-1, groups * outputs)


class GruCell(nn.Module):
    """One step of a GRU layer. The reset and update gates of input and state are one matrix product."""

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
        reset, update = gates[:, :HIDDEN], gates[:, HIDDEN:]
        candidate = torch.tanh(x @ self.of_input + self.input_offset + reset * (state @ self.of_state + self.state_offset))
        new: Tensor = candidate + update * (state - candidate)
        return new


class Encoder(nn.Module):
    """Windows of three frames of features -> embedding, local SNR, and the convolutions that the decoders look back at."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        scale, offset = _batch_norm(weights, "enc.erb_conv0.2")
        kernel = weights["enc.erb_conv0.1.weight"][:, 0].double() * scale[:, None, None]  # [C, time, frequency]
        self.erb_matrix = nn.Buffer(kernel.permute(2, 1, 0).reshape(9, CHANNELS).float())
        self.erb_offset = nn.Buffer(offset.float())
        self.erb_1 = Separable(weights, "enc.erb_conv1", frequencies=32, stride=2)
        self.erb_2 = Separable(weights, "enc.erb_conv2", frequencies=16, stride=2)
        self.erb_3 = Separable(weights, "enc.erb_conv3", frequencies=8, stride=1)
        self.bins_matrix, self.bins_offset = (nn.Buffer(value.float()) for value in _bins_convolution(weights))
        self.bins_1 = Separable(weights, "enc.df_conv1", frequencies=BINS, stride=2)
        self.bins_embedding = GroupedLinear(weights, "enc.df_fc_emb.0")
        self.squeeze = GroupedLinear(weights, "enc.emb_gru.linear_in.0")
        self.gru = GruCell(weights, "enc.emb_gru.gru", 0)
        self.lsnr_matrix = nn.Buffer(weights["enc.lsnr_fc.0.weight"].T.contiguous())
        self.lsnr_offset = nn.Buffer(weights["enc.lsnr_fc.0.bias"])

    def forward(self, erb: Tensor, bins: Tensor, state: Tensor) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
        erb_0 = _dense(_neighbours(erb, BANDS), self.erb_matrix, self.erb_offset).view(-1, BANDS, CHANNELS)
        erb_1 = self.erb_1(erb_0)
        erb_2 = self.erb_2(erb_1)
        erb_3 = self.erb_3(erb_2)
        bins_0 = _dense(_neighbours(bins, BINS), self.bins_matrix, self.bins_offset).view(-1, BINS, CHANNELS)
        bins_1 = torch.relu(self.bins_embedding(self.bins_1(bins_0).flatten(1)))
        embedding = self.gru(torch.relu(self.squeeze(torch.cat((erb_3.flatten(1), bins_1), 1))), state)
        lsnr = torch.sigmoid(embedding @ self.lsnr_matrix + self.lsnr_offset)
        return [erb_0, erb_1, erb_2, erb_3], bins_0, embedding, lsnr * (LSNR_MAX_DB - LSNR_MIN_DB) + LSNR_MIN_DB


def _neighbours(padded: Tensor, frequencies: int) -> Tensor:
    """Every frequency beside the one below and the one above it. [B, F + 2, K] -> [B, F, 3 K]."""
    return torch.cat([padded[:, tap : tap + frequencies] for tap in range(3)], 2)


def _bins_convolution(weights: Weights) -> tuple[Tensor, Tensor]:
    """3 x 3 depthwise and pointwise convolution merged: matrix [18, C] for (frequency, time, re/im), offset [C]."""
    scale, offset = _batch_norm(weights, "enc.df_conv0.3")
    depthwise = weights["enc.df_conv0.1.weight"][:, 0].double().view(2, CHANNELS // 2, 3, 3)  # [re/im, C / 2, time, frequency]
    pointwise = (weights["enc.df_conv0.2.weight"][:, :, 0, 0].double() * scale[:, None]).reshape(CHANNELS, 2, CHANNELS // 2)
    return torch.einsum("opc,pctf->ftpo", pointwise, depthwise).reshape(18, CHANNELS), offset


class MaskDecoder(nn.Module):
    """Embedding and the encoder's convolutions -> gain per band, [B, 32], 0 to 1."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.squeeze = GroupedLinear(weights, "erb_dec.emb_gru.linear_in.0")
        self.gru_1 = GruCell(weights, "erb_dec.emb_gru.gru", 0)
        self.gru_2 = GruCell(weights, "erb_dec.emb_gru.gru", 1)
        self.expand = GroupedLinear(weights, "erb_dec.emb_gru.linear_out.0")
        self.path_0, self.path_1, self.path_2, self.path_3 = (
            Scale(weights, f"erb_dec.conv{level}p", frequencies=frequencies) for level, frequencies in enumerate((32, 16, 8, 8))
        )
        self.up_3 = Separable(weights, "erb_dec.convt3", frequencies=8, stride=1)
        self.up_2 = Upsample(weights, "erb_dec.convt2", frequencies=8)
        self.up_1 = Upsample(weights, "erb_dec.convt1", frequencies=16)
        scale, offset = _batch_norm(weights, "erb_dec.conv0_out.1")
        self.out_matrix = nn.Buffer((weights["erb_dec.conv0_out.0.weight"][0, :, 0].double() * scale).float())  # [C, 3 taps]
        self.out_offset = nn.Buffer(offset.float())

    def forward(self, embedding: Tensor, erb: list[Tensor], state_1: Tensor, state_2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        squeezed = torch.relu(self.squeeze(embedding))
        state_1 = self.gru_1(squeezed, state_1)
        state_2 = self.gru_2(state_1, state_2)
        x = torch.relu(self.expand(state_2 + squeezed)).view(-1, 8, CHANNELS)
        x = self.up_3(self.path_3(erb[3]) + x)
        x = self.up_2(self.path_2(erb[2]) + x)
        x = self.up_1(self.path_1(erb[1]) + x)
        taps = functional.pad((self.path_0(erb[0]) + x) @ self.out_matrix, (0, 0, 1, 1))  # [B, 34, 3]
        summed = taps[:, 0:BANDS, 0] + taps[:, 1 : BANDS + 1, 1] + taps[:, 2 : BANDS + 2, 2]
        return torch.sigmoid(summed + self.out_offset), state_1, state_2


class FilterDecoder(nn.Module):
    """Embedding and the encoder's first convolution of the bins -> complex filter, [B, 96, 10] for (tap, re/im)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.squeeze = GroupedLinear(weights, "df_dec.df_gru.linear_in.0")
        self.gru_1 = GruCell(weights, "df_dec.df_gru.gru", 0)
        self.gru_2 = GruCell(weights, "df_dec.df_gru.gru", 1)
        self.out = GroupedLinear(weights, "df_dec.df_out.0")
        self.pathway_matrix, self.pathway_offset = (nn.Buffer(value.float()) for value in _pathway_convolution(weights))

    def forward(
        self, embedding: Tensor, bins_0: Tensor, pathway: Tensor, state_1: Tensor, state_2: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        squeezed = torch.relu(self.squeeze(embedding))
        state_1 = self.gru_1(squeezed, state_1)
        state_2 = self.gru_2(state_1, state_2)
        begun = functional.pad(pathway, (-2 * TAPS, 2 * TAPS))  # one frame on
        pathway = torch.addmm(begun.view(-1, SUMS), bins_0.view(-1, CHANNELS), self.pathway_matrix).view(-1, BINS, SUMS)
        from_pathway = torch.relu(pathway[:, :, : 2 * TAPS] + self.pathway_offset)
        filters = torch.tanh(self.out(state_2 + squeezed)).view(-1, BINS, 2 * TAPS) + from_pathway
        return filters, pathway, state_1, state_2


def _pathway_convolution(weights: Weights) -> tuple[Tensor, Tensor]:
    """5 x 1 convolution in 2 groups and pointwise convolution merged: matrix [C, 50] for (frames ahead, output), offset [10]."""
    scale, offset = _batch_norm(weights, "df_dec.df_convp.3")
    grouped = weights["df_dec.df_convp.1.weight"][..., 0].double().view(2, TAPS, CHANNELS // 2, TAPS)  # [group, out, in, time]
    pointwise = (weights["df_dec.df_convp.2.weight"][:, :, 0, 0].double() * scale[:, None]).view(2 * TAPS, 2, TAPS)
    matrix = torch.einsum("ogj,gjct->gcto", pointwise, grouped).flip(2)  # the newest of the time taps is the last one
    return matrix.reshape(CHANNELS, SUMS), offset


class Step(nn.Module):
    """The whole network for one new frame. Its result belongs to the frame two before the newest (the network looks ahead)."""

    def __init__(self, weights: Weights) -> None:
        """`weights`: the state dict of the published checkpoint."""
        super().__init__()
        self.encoder, self.mask, self.filter = Encoder(weights), MaskDecoder(weights), FilterDecoder(weights)
        self.eval()

    def forward(self, erb: Tensor, bins: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """`erb` [B, 34, 1], `bins` [B, 98, 2], with a zero at both ends -> mask, filters, local SNR [B, 1] in dB, new state."""
        past = State(*state)
        erb_window, bins_window = torch.cat((past.erb_past, erb), 2), torch.cat((past.bins_past, bins), 2)
        levels, bins_0, embedding, lsnr = self.encoder(erb_window, bins_window, past.encoder)
        mask, mask_1, mask_2 = self.mask(embedding, levels, past.mask_1, past.mask_2)
        filters, pathway, filter_1, filter_2 = self.filter(embedding, bins_0, past.pathway, past.filter_1, past.filter_2)
        new = State(erb_window[:, :, 1:], bins_window[:, :, 2:], pathway, embedding, mask_1, mask_2, filter_1, filter_2)
        return mask, filters, lsnr, *new
