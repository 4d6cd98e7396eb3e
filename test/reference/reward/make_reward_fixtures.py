"""The reward network of messages in PyTorch: its scores, the losses of classification and ranking, and every gradient; then
standardised and thresholded scores, and rewards that decay with the count.

Usage: python make_reward_fixtures.py OUTPUT. Written from the description of the network and the formulas, with autograd.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(43)
torch.set_default_dtype(torch.float64)

CHARACTERS, CHANNELS, KERNEL, SHARPNESS = 20, 4, 5, 4
MESSAGES = ["You kill the newt!", "A wall.", "$ - 17 gold pieces.", "The door opens. You", "x", "Welcome to level 2!"]


def single(values):
    """To numbers that a 32-bit float holds exactly, so that both sides start from the same."""
    return values.to(torch.float32).to(torch.float64)


def parameters():
    half = CHANNELS // 2
    shapes = {
        "characters": (256, half),
        "convolution.1.weight": (CHANNELS, half, KERNEL),
        "convolution.1.bias": (CHANNELS,),
        "convolution.2.weight": (CHANNELS, CHANNELS, KERNEL),
        "convolution.2.bias": (CHANNELS,),
        "dense.weight": (CHANNELS, 2 * CHANNELS),
        "dense.bias": (2 * CHANNELS,),
        "output.weight": (2 * CHANNELS, 1),
        "output.bias": (1,),
    }
    return {name: single(torch.randn(shape) * 0.5).requires_grad_() for name, shape in shapes.items()}


def rows(messages):
    out = torch.zeros(len(messages), CHARACTERS, dtype=torch.long)
    for row, text in enumerate(messages):
        data = text.encode("latin-1")[:CHARACTERS]
        out[row, : len(data)] = torch.tensor(list(data))
    return out


def score(p, message):
    """Characters, two convolutions, a soft maximum over the places that hold a character, two dense layers."""
    x = F.embedding(message, p["characters"]).transpose(1, 2)
    x = torch.relu(F.conv1d(x, p["convolution.1.weight"], p["convolution.1.bias"], stride=1, padding=2))
    x = torch.tanh(F.conv1d(x, p["convolution.2.weight"], p["convolution.2.bias"], stride=2, padding=2))
    used = (message > 0).to(x.dtype)[:, None, ::2]
    pooled = torch.log((torch.exp(SHARPNESS * x) * used).sum(2) + math.exp(-SHARPNESS)) / SHARPNESS
    hidden = torch.relu(pooled @ p["dense.weight"] + p["dense.bias"])
    return (hidden @ p["output.weight"] + p["output.bias"])[:, 0]


def gradients(p, loss):
    loss.backward()
    result = {name: t.grad.flatten().tolist() for name, t in p.items()}
    for t in p.values():
        t.grad = None
    return result


def classification(p):
    target = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.25, 1.0])
    weight = torch.tensor([2.0, 0.5, 2.0, 0.5, 0.5, 2.0])
    each = F.binary_cross_entropy_with_logits(score(p, rows(MESSAGES)), target, reduction="none")
    loss = (each * weight).sum() / weight.sum()
    return {"messages": MESSAGES, "target": target.tolist(), "weight": weight.tolist(), "loss": loss.item(), "gradients": gradients(p, loss)}


def ranking(p):
    first, second = MESSAGES[:3], MESSAGES[3:]
    target = torch.tensor([1.0, 0.5, 0.0])
    difference = score(p, rows(first)) - score(p, rows(second))
    # Bradley and Terry: the first is preferred with probability sigma(difference); a tie is half of each.
    win = -F.logsigmoid(difference)
    lose = -F.logsigmoid(-difference)
    loss = (target * win + (1 - target) * lose).mean()
    return {"first": first, "second": second, "target": target.tolist(), "loss": loss.item(), "gradients": gradients(p, loss)}


def standardisation():
    """Parts of scores, one after the other; what was before fades to the weight of `window` numbers. By second moments."""
    window, threshold = 6, -0.5
    parts = [single(torch.randn(n) * s + m).tolist() for n, s, m in ((8, 1.0, 0.0), (5, 2.0, 3.0), (3, 0.5, -1.0))]
    count, first, second = 0.0, 0.0, 0.0  # weight, mean, mean of squares
    versions = []
    for part in parts:
        count = min(count, window)
        total = count + len(part)
        first = (count * first + sum(part)) / total
        second = (count * second + sum(x * x for x in part)) / total
        count = total
        deviation = math.sqrt((second - first * first) * count / (count - 1))
        z = [(x - first) / deviation for x in part]
        versions.append({"scores": part, "mean": first, "deviation": deviation, "rewards": [one if one > threshold else 0.0 for one in z]})
    return {"window": window, "threshold": threshold, "versions": versions}


def decay():
    reward = single(torch.randn(6))
    counts = [1, 2, 3, 7, 1, 40]
    return [{"exponent": beta, "rewards": reward.tolist(), "counts": counts, "decayed": [r / n**beta for r, n in zip(reward.tolist(), counts)]} for beta in (0.5, 1, 3)]


p = parameters()
result = {
    "madeWith": f"torch {torch.__version__}",
    "network": {"characters": CHARACTERS, "channels": CHANNELS},
    "parameters": {name: t.detach().flatten().tolist() for name, t in p.items()},
    "scores": score(p, rows(MESSAGES)).tolist(),
    "classification": classification(p),
    "ranking": ranking(p),
    "standardisation": standardisation(),
    "decay": decay(),
}
with open(sys.argv[1], "w", encoding="utf-8") as out:
    json.dump(result, out)
    out.write("\n")
