"""Writes test/fixtures/learner/steps.json: what PyTorch makes of the cases in cases.json.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install torch
    /tmp/reference/bin/python test/reference/learner/make_fixtures.py [output]
"""
import json
import pathlib
import sys

import torch

from reference import Reference, size_of, wave

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = 32


def f32(stream, shape, scale=1.0, offset=0.0):
    return torch.tensor([offset + scale * value for value in wave(stream, size_of(shape))], dtype=torch.float32).reshape(shape)


def integers(stream, shape, below):
    return torch.tensor([int((value + 1) / 2 * below) % below for value in wave(stream, size_of(shape))], dtype=torch.int64).reshape(shape)


def parameters_of(seed):
    """Each tensor its own stream, scaled by its first axis so that activations stay of order one."""
    streams = iter(range(1000 * seed, 1000 * seed + 999))
    return lambda name, shape: f32(next(streams), shape, 1.2 / max(1, shape[0]) ** 0.5 if len(shape) > 1 else 0.1)


def ended_of(case, rows, width):
    """Anywhere; or, where episodes are compared, at the end of each of them, and for some already within it."""
    ends = wave(case["seed"] * 100_000 + 50, rows)
    if "episodeSteps" not in case:
        return [value > 0.7 for value in ends]
    return [(row // width + 1) % case["episodeSteps"] == 0 or value > 0.99 for row, value in enumerate(ends)]


def batch_of(case, state_size):
    steps, width = case["grid"]
    rows, base = steps * width, 100_000 * case["seed"]
    observations = {}
    for index, (name, space) in enumerate(case["spaces"]["observations"].items()):
        shape, stream = (rows, *space["shape"]), base + index
        if space["kind"] == "glyphs":
            observations[name] = integers(stream, shape, space["vocabulary"])
        elif space["kind"] in ("text", "image"):
            observations[name] = integers(stream, shape, 256)
        elif space["type"] == "int32":
            observations[name] = integers(stream, shape, 25)
        else:
            observations[name] = f32(stream, shape, 2.0)
    ended = ended_of(case, rows, width)
    terminated = [value > 0.0 for value in wave(base + 51, rows)]
    done = torch.tensor(ended, dtype=torch.float32).reshape(steps, width)
    heads = len(case["policy"].get("valueHeads", "1"))
    bootstrap = f32(base + 52, (steps, width, heads), 0.5)
    last = torch.zeros(steps, width)
    last[-1] = 1
    open_end = torch.maximum(done, last) * (1 - done * torch.tensor(terminated, dtype=torch.float32).reshape(steps, width))
    keep = torch.ones(steps, width)
    keep[1:] = 1 - done[:-1]
    action = case["spaces"]["action"]
    return {
        "observations": observations,
        "state": f32(base + 53, (width, state_size), 0.5) if state_size else None,
        "keep": keep,
        "action": integers(base + 54, (rows,), action["count"]) if action["kind"] == "discrete" else f32(base + 54, (rows, action["size"])),
        "behaviourLogProb": f32(base + 55, (steps, width), 0.4, -1.5),
        "behaviourValue": f32(base + 56, (steps, width, heads), 0.6),
        "bootstrapValue": bootstrap * open_end[:, :, None],
        "reward": f32(base + 57, (steps, width, heads), 1.0),
        "done": done,
        "weight": torch.tensor([0.0 if value > 0.8 else 1.0 for value in wave(base + 58, rows)]).reshape(steps, width),
    }


def run(case, steps):
    reference = Reference(case["spaces"], case["policy"], case["learn"], parameters_of(case["seed"]), case.get("episodeSteps"))
    batch = batch_of(case, reference.state_size)
    metrics = [reference.step(batch, *case["grid"]) for _ in range(steps)]
    parameters = {}
    for name, tensor in reference.parameters.items():
        flat = tensor.detach().flatten().double()
        stride = max(1, flat.numel() // SAMPLE)
        parameters[name] = {"shape": list(tensor.shape), "stride": stride, "norm": flat.norm().item(), "sample": [float(f"{value:.9g}") for value in flat[::stride].tolist()]}
    return {"name": case["name"], "metrics": metrics, "parameters": parameters}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    described = json.loads((HERE / "cases.json").read_text())
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent / "fixtures" / "learner" / "steps.json"
    results = {"madeWith": f"PyTorch {torch.__version__.split('+')[0]}, float32, one thread", "cases": [run(case, described["steps"]) for case in described["cases"]]}
    output.write_text(json.dumps(results) + "\n")


main()
