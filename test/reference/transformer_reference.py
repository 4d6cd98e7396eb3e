"""Writes test/fixtures/transformer/*.json: forward pass, gradient norm and Adam steps of small transformers in PyTorch.

Needs torch (`pip install torch`), nothing of this project. Run: python test/reference/transformer_reference.py
Weights are not recorded: value i of parameter k is scale * sin(1 + 0.7 i + 13 k) + offset, which the test computes too.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "transformer"
TOKENS = [[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]]
TARGETS = [[1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 0, 0]]
MASK = [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]
BASE = {"vocabulary": 11, "context": 8, "layers": 2, "width": 8, "heads": 2, "feedForward": 12}
CASES = {
    "rotary-rms-gelu-tied": {"position": "rotary", "norm": "rms", "activation": "gelu", "bias": False, "tied": True},
    "rotary-rms-swiglu-untied": {"position": "rotary", "norm": "rms", "activation": "swiglu", "bias": False, "tied": False},
    "learned-layer-gelu-bias": {"position": "learned", "norm": "layer", "activation": "gelu", "bias": True, "tied": True},
    "learned-layer-swiglu-untied-bias": {"position": "learned", "norm": "layer", "activation": "swiglu", "bias": True, "tied": False},
}
ADAM = {"learningRate": 0.01, "adamBeta1": 0.9, "adamBeta2": 0.999, "adamEpsilon": 1e-5, "gradientNormMax": 1.0}


def shapes(s):
    """Parameters in the order in which the forward pass meets them."""
    w, ff = s["width"], s["feedForward"]
    wide = 2 * ff if s["activation"] == "swiglu" else ff
    out = [("embedding.weight", [s["vocabulary"], w])]
    if s["position"] == "learned":
        out.append(("position.weight", [s["context"], w]))

    def norm(name):
        out.append((name + ".scale", [w]))
        if s["norm"] == "layer":
            out.append((name + ".bias", [w]))

    def dense(name, rows, columns):
        out.append((name + ".weight", [rows, columns]))
        if s["bias"]:
            out.append((name + ".bias", [columns]))

    for layer in range(s["layers"]):
        norm(f"layer.{layer}.attention.norm")
        dense(f"layer.{layer}.attention.input", w, 3 * w)
        dense(f"layer.{layer}.attention.output", w, w)
        norm(f"layer.{layer}.feed-forward.norm")
        dense(f"layer.{layer}.feed-forward.input", w, wide)
        dense(f"layer.{layer}.feed-forward.output", ff, w)
    norm("norm")
    if not s["tied"]:
        out.append(("output.weight", [w, s["vocabulary"]]))
    return out


def initial(s):
    parameters = {}
    for k, (name, shape) in enumerate(shapes(s)):
        scale, offset = (0.2, 1.0) if name.endswith(".scale") else (0.4, 0.0)
        values = [scale * math.sin(1 + 0.7 * i + 13 * k) + offset for i in range(math.prod(shape))]
        parameters[name] = torch.tensor(values, dtype=torch.float64).float().reshape(shape).requires_grad_()
    return parameters


def forward(s, p, tokens):
    batch, length = tokens.shape
    width = s["width"]
    head = width // s["heads"]

    def norm(name, x):
        if s["norm"] == "layer":
            return F.layer_norm(x, [width], p[name + ".scale"], p[name + ".bias"], 1e-5)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * p[name + ".scale"]

    def dense(name, x):
        y = x @ p[name + ".weight"]
        return y + p[name + ".bias"] if s["bias"] else y

    def turn(x):
        half = head // 2
        frequency = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
        cos, sin = angle.cos().float(), angle.sin().float()
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    x = p["embedding.weight"][tokens]
    if s["position"] == "learned":
        x = x + p["position.weight"][:length]
    for layer in range(s["layers"]):
        h = norm(f"layer.{layer}.attention.norm", x)
        q, k, v = dense(f"layer.{layer}.attention.input", h).split(width, -1)
        q, k, v = (t.view(batch, length, s["heads"], head).transpose(1, 2) for t in (q, k, v))
        if s["position"] == "rotary":
            q, k = turn(q), turn(k)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + dense(f"layer.{layer}.attention.output", seen.transpose(1, 2).reshape(batch, length, width))
        h = dense(f"layer.{layer}.feed-forward.input", norm(f"layer.{layer}.feed-forward.norm", x))
        if s["activation"] == "swiglu":
            gate, value = h.chunk(2, -1)
            h = F.silu(gate) * value
        else:
            h = F.gelu(h)
        x = x + dense(f"layer.{layer}.feed-forward.output", h)
    x = norm("norm", x)
    return x @ (p["embedding.weight"].T if s["tied"] else p["output.weight"])


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    tokens, targets, mask = torch.tensor(TOKENS), torch.tensor(TARGETS), torch.tensor(MASK, dtype=torch.float32)
    for name, kind in CASES.items():
        spec = {**BASE, **kind}
        p = initial(spec)
        optimiser = torch.optim.Adam(p.values(), lr=ADAM["learningRate"], betas=(ADAM["adamBeta1"], ADAM["adamBeta2"]), eps=ADAM["adamEpsilon"])
        logits = forward(spec, p, tokens)
        log_prob = torch.log_softmax(logits, -1).gather(-1, targets[..., None])[..., 0]
        loss = -(log_prob * mask).sum() / mask.sum()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(p.values()), ADAM["gradientNormMax"])
        gradients = {key: rounded(value.grad) for key, value in p.items()}
        optimiser.step()
        record = {
            "spec": spec, "adam": ADAM, "tokens": TOKENS, "targets": TARGETS, "mask": MASK,
            "logits": rounded(logits), "loss": loss.item(), "gradientNorm": norm.item(),
            "clippedGradients": gradients, "next": {key: rounded(value) for key, value in p.items()},
        }
        (FOLDER / f"{name}.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")
        print(name, loss.item(), norm.item())


main()
