"""DeepFilterNet2 as a streaming step in PyTorch: one new frame of features for B voices in, mask, filter and the new state out.

The same function as `df.deepfilternet2.DfNet`, written for speed; every rewrite is exact up to rounding:
- BatchNorm is folded into the convolution before it; a depthwise and its pointwise convolution are merged where that is cheaper.
- Only the newest frame is computed. The time taps of the two input convolutions are channels of their input. The five taps of the
  pathway convolution add into sums for this and the next four frames: 4 x [10, 96] numbers are kept, not [4, 64, 96].
- For ONNX Runtime: what is a convolution stays one. It has fast kernels for them in a layout of 16 channels side by side; in it
  a depthwise convolution is one pass over the numbers. Additions keep that layout; slices, paddings and transposed convolutions
  would cost a change of it. So zeros at the ends are the convolutions' own, and a transposed convolution of stride 2 is a
  convolution that makes two rows, of the even and of the odd outputs. Large grouped products are one product per group, whose
  weights are then packed once and not in every hop.

Names: `enc`, `erb_dec` and `df_dec` are the encoder, the mask decoder and the filter decoder of the paper (Schroeter et al.,
"DeepFilterNet2: Towards Real-Time Speech Enhancement on Embedded Devices for Full-Band Audio", IWAENC 2022).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from agent.export.layers import (
    CHANNELS,
    HIDDEN,
    Dense,
    Factors,
    GroupedLinear,
    GruCell,
    Scale,
    Separable,
    UpTo16,
    UpTo32,
    Weights,
    batch_norm,
    flat,
)

BANDS = 32
BINS = 96
TAPS = 5
FILTER = 2 * TAPS
"""Numbers per bin: (tap, re/im)."""
LSNR_MIN_DB, LSNR_MAX_DB = -15.0, 35.0


class State(NamedTuple):
    """Holds the memory of the network, one row per voice; zeros at the start of a stream."""

    erb_past: Tensor  # [B, 2, 32]     the two frames before
    bins_past: Tensor  # [B, 4, 96]     the same for the bins: (time, re/im)
    pathway_1: Tensor  # [B, 10, 96]    what the frames before give to the pathway's output of the next frame ...
    pathway_2: Tensor  # [B, 10, 96]    ... of the one after it
    pathway_3: Tensor  # [B, 10, 96]
    pathway_4: Tensor  # [B, 10, 96]
    encoder: Tensor  # [B, 256]
    mask_1: Tensor  # [B, 256]
    mask_2: Tensor  # [B, 256]
    filter_1: Tensor  # [B, 256]
    filter_2: Tensor  # [B, 256]

    @classmethod
    def zeros(cls, voices: int) -> State:
        shapes = [(2, BANDS), (4, BINS), *[(FILTER, BINS)] * 4, *[(HIDDEN,)] * 5]
        return cls(*(torch.zeros(voices, *shape) for shape in shapes))


class Encoder(nn.Module):
    """Turns windows of three frames of features into embedding, local SNR, and the convolutions that the decoders use again."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        scale, offset = batch_norm(weights, "enc.erb_conv0.2")
        kernel = weights["enc.erb_conv0.1.weight"][:, 0].double() * scale[:, None, None]  # [C, time, frequency]
        self.erb_0 = Dense(kernel, offset)
        self.erb_1 = Separable(weights, "enc.erb_conv1", stride=2)
        self.erb_2 = Separable(weights, "enc.erb_conv2", stride=2)
        self.erb_3 = Separable(weights, "enc.erb_conv3")
        self.bins_0 = Dense(*_bins_convolution(weights))
        self.bins_1 = Separable(weights, "enc.df_conv1", stride=2)
        self.bins_embedding = GroupedLinear(weights["enc.df_fc_emb.0.weight"])
        self.squeeze = GroupedLinear(weights["enc.emb_gru.linear_in.0.weight"])
        self.gru = GruCell(weights, "enc.emb_gru.gru", 0)
        self.lsnr_matrix = nn.Buffer(weights["enc.lsnr_fc.0.weight"].T.contiguous())
        self.lsnr_offset = nn.Buffer(weights["enc.lsnr_fc.0.bias"])

    def forward(self, erb: Tensor, bins: Tensor, state: Tensor) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
        """`erb` [B, 3, 32], `bins` [B, 6, 96]."""
        erb_0 = self.erb_0(erb.unsqueeze(2))
        erb_1 = self.erb_1(erb_0)
        erb_2 = self.erb_2(erb_1)
        erb_3 = self.erb_3(erb_2)
        bins_0 = self.bins_0(bins.unsqueeze(2))
        bins_1 = torch.relu(self.bins_embedding(flat(self.bins_1(bins_0)))).flatten(1)
        squeezed = torch.relu(self.squeeze(torch.cat((flat(erb_3), bins_1), 1))).flatten(1)
        embedding = self.gru(squeezed, state)
        lsnr = torch.sigmoid(embedding @ self.lsnr_matrix + self.lsnr_offset)
        return [erb_0, erb_1, erb_2, erb_3], bins_0, embedding, lsnr * (LSNR_MAX_DB - LSNR_MIN_DB) + LSNR_MIN_DB


def _bins_convolution(weights: Weights) -> tuple[Tensor, Factors]:
    """Merges a 3 x 3 depthwise and a pointwise convolution: kernel [C, 6 (time, re/im), 3 frequencies], offset."""
    scale, offset = batch_norm(weights, "enc.df_conv0.3")
    depthwise = weights["enc.df_conv0.1.weight"][:, 0].double().view(2, CHANNELS // 2, 3, 3)  # [re/im, C / 2, time, frequency]
    pointwise = (weights["enc.df_conv0.2.weight"][:, :, 0, 0].double() * scale[:, None]).reshape(CHANNELS, 2, CHANNELS // 2)
    return torch.einsum("opc,pctf->otpf", pointwise, depthwise).reshape(CHANNELS, 6, 3), offset


class MaskDecoder(nn.Module):
    """Turns the squeezed embedding and the encoder's convolutions into a gain per band, [B, 32], 0 to 1."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.gru_1 = GruCell(weights, "erb_dec.emb_gru.gru", 0)
        self.gru_2 = GruCell(weights, "erb_dec.emb_gru.gru", 1)
        self.expand = GroupedLinear(weights["erb_dec.emb_gru.linear_out.0.weight"])  # a group is a frequency
        self.path_3, self.path_2 = Scale(weights, "erb_dec.conv3p"), Scale(weights, "erb_dec.conv2p")
        self.path_1 = Scale(weights, "erb_dec.conv1p", rows=(0, 1), step=2)
        self.path_even = Scale(weights, "erb_dec.conv0p", rows=(0, 2), step=4)
        self.path_odd = Scale(weights, "erb_dec.conv0p", rows=(1, 3), step=4)
        self.up_3 = Separable(weights, "erb_dec.convt3")
        self.up_2 = UpTo16(weights, "erb_dec.convt2")
        self.up_1 = UpTo32(weights, "erb_dec.convt1")
        scale, offset = batch_norm(weights, "erb_dec.conv0_out.1")
        out = weights["erb_dec.conv0_out.0.weight"][0].double() * scale  # [C, 1, 3 taps]
        self.out_kernel = nn.Buffer(out.permute(2, 0, 1)[..., None].float().contiguous())
        self.out_sum, self.out_offset = nn.Buffer(torch.eye(3)[None, :, None]), nn.Buffer(offset.float())

    def forward(self, squeezed: Tensor, erb: list[Tensor], state_1: Tensor, state_2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        state_1 = self.gru_1(squeezed, state_1)
        state_2 = self.gru_2(state_1, state_2)
        x = torch.relu(self.expand(state_2 + squeezed).flatten(1))
        x = x.view(-1, 1, 8, CHANNELS).permute(0, 3, 1, 2)  # [B, C, 1, 8]
        x = self.up_3(self.path_3(erb[3]) + x)
        x = self.up_2(self.path_2(erb[2]) + x)
        even, odd = self.up_1(self.path_1(erb[1]) + x)
        taps_of_even = functional.conv2d(self.path_even(erb[0]) + even, self.out_kernel)  # [B, 3 taps, 2, 8]
        taps_of_odd = functional.conv2d(self.path_odd(erb[0]) + odd, self.out_kernel)
        taps = torch.stack((taps_of_even, taps_of_odd), 4).permute(0, 1, 3, 2, 4).reshape(-1, 3, 1, BANDS)
        summed = functional.conv2d(taps, self.out_sum, self.out_offset, padding=(0, 1))
        return torch.sigmoid(summed).flatten(1), state_1, state_2


class FilterDecoder(nn.Module):
    """Turns the squeezed embedding and the encoder's first convolution of the bins into a filter, [B, 5 taps, 96, re/im]."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.gru_1 = GruCell(weights, "df_dec.df_gru.gru", 0)
        self.gru_2 = GruCell(weights, "df_dec.df_gru.gru", 1)
        by_bin = weights["df_dec.df_out.0.weight"]  # a group has 12 bins
        groups, inputs, outputs = by_bin.shape
        by_tap = by_bin.view(groups, inputs, -1, TAPS, 2).transpose(2, 3)
        self.out = GroupedLinear(by_tap.reshape(groups, inputs, outputs))
        self.pathway_kernel, self.pathway_offset = (nn.Buffer(value.float()) for value in _pathway_convolution(weights))

    def forward(self, squeezed: Tensor, bins_0: Tensor, state: State) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        state_1 = self.gru_1(squeezed, state.filter_1)
        state_2 = self.gru_2(state_1, state.filter_2)
        now, *later = functional.conv2d(bins_0, self.pathway_kernel, self.pathway_offset).squeeze(2).chunk(TAPS, 1)
        pathway = [state.pathway_2 + later[0], state.pathway_3 + later[1], state.pathway_4 + later[2], later[3]]
        from_pathway = torch.relu(now + state.pathway_1).view(-1, TAPS, 2, BINS).transpose(2, 3)
        groups = self.out(state_2 + squeezed)  # [B, 8, (tap, bin, re/im)]
        filters = groups.view(groups.shape[0], groups.shape[1], TAPS, -1).transpose(1, 2).reshape(-1, TAPS, BINS, 2)
        return torch.tanh(filters) + from_pathway, pathway, state_1, state_2


def _pathway_convolution(weights: Weights) -> tuple[Tensor, Tensor]:
    """Merges a 5 x 1 convolution in 2 groups and a pointwise one: kernel [50 (frames ahead, output), C, 1, 1] and offset."""
    scale, offset = batch_norm(weights, "df_dec.df_convp.3")
    grouped = weights["df_dec.df_convp.1.weight"][..., 0].double().view(2, TAPS, CHANNELS // 2, TAPS)  # [group, out, in, time]
    pointwise = (weights["df_dec.df_convp.2.weight"][:, :, 0, 0].double() * scale[:, None]).view(FILTER, 2, TAPS)
    kernel = torch.einsum("ogj,gjct->togc", pointwise, grouped).flip(0)  # the newest of the time taps is the last one
    return kernel.reshape(TAPS * FILTER, CHANNELS, 1, 1), functional.pad(offset, (0, (TAPS - 1) * FILTER))


class Step(nn.Module):
    """Runs the whole network for one new frame. Its result belongs to the frame two before the newest: it looks ahead."""

    def __init__(self, weights: Weights) -> None:
        """`weights`: the state dict of the published checkpoint."""
        super().__init__()
        self.encoder, self.mask, self.filter = Encoder(weights), MaskDecoder(weights), FilterDecoder(weights)
        of_decoders = [weights[f"{name}.linear_in.0.weight"] for name in ("erb_dec.emb_gru", "df_dec.df_gru")]
        self.squeeze = GroupedLinear(torch.cat(of_decoders, 2))  # both have the same groups of the embedding
        self.eval()

    def forward(self, erb: Tensor, bins: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Takes `erb` [B, 1, 32] and `bins` [B, 2, 96]. Returns mask, filters, local SNR [B, 1] in dB, and the new state."""
        past = State(*state)
        erb_window, bins_window = torch.cat((past.erb_past, erb), 1), torch.cat((past.bins_past, bins), 1)
        levels, bins_0, embedding, lsnr = self.encoder(erb_window, bins_window, past.encoder)
        for_mask, for_filter = torch.relu(self.squeeze(embedding)).chunk(2, 2)
        mask, mask_1, mask_2 = self.mask(for_mask.flatten(1), levels, past.mask_1, past.mask_2)
        filters, pathway, filter_1, filter_2 = self.filter(for_filter.flatten(1), bins_0, past)
        windows = erb_window[:, 1:], bins_window[:, 2:]
        return mask, filters, lsnr, *windows, *pathway, embedding, mask_1, mask_2, filter_1, filter_2  # as in State
