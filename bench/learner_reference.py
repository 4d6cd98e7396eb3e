"""The PyTorch side of bench/learner.ts: eager, one thread, the networks and loss of test/reference/learner/reference.py.

Reads one line {spaces, policy, learn, grid}; prints "ready"; answers each line "step N" with the seconds of N training steps.
"""
import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test" / "reference" / "learner"))
from reference import Reference, size_of  # noqa: E402


def random_batch(case, state_size):
    steps, width = case["grid"]
    rows = steps * width
    observations = {}
    for name, space in case["spaces"]["observations"].items():
        shape = (rows, *space["shape"])
        below = space.get("vocabulary", 256) if space["kind"] in ("glyphs", "text", "image") else 25
        observations[name] = torch.rand(shape) if space["type"] == "float32" else torch.randint(0, below, shape, dtype=getattr(torch, space["type"]))
    done = (torch.rand(steps, width) < 0.01).float()
    keep = torch.ones(steps, width)
    keep[1:] = 1 - done[:-1]
    action = case["spaces"]["action"]
    return {
        "observations": observations,
        "state": torch.zeros(width, state_size) if state_size else None,
        "keep": keep,
        "action": torch.randint(0, action["count"], (rows,)) if action["kind"] == "discrete" else torch.rand(rows, action["size"]),
        "behaviourLogProb": torch.full((steps, width), -3.0),
        "behaviourValue": torch.zeros(steps, width, 1),
        "bootstrapValue": torch.zeros(steps, width, 1),
        "reward": torch.rand(steps, width, 1),
        "done": done,
        "weight": torch.ones(steps, width),
    }


class FastTargets(Reference):
    """Whole rows at once, as an engineer would write them; the reference goes column by column to be easy to check."""

    def targets(self, batch, values, ratio, steps, head):
        spec, values = self.learn, values[:, :, head]
        goes_on = 1 - batch["done"]
        rho = ratio.clamp(max=spec["rhoMax"])
        trace = spec["lambda"] * ratio.clamp(max=spec["cMax"])
        advantages, targets = torch.zeros_like(values), torch.zeros_like(values)
        next_value = next_target = None
        for step in reversed(range(steps)):
            bootstrap = batch["bootstrapValue"][step, :, head]
            value = bootstrap if next_value is None else torch.where(goes_on[step] > 0, next_value, bootstrap)
            target = bootstrap if next_target is None else torch.where(goes_on[step] > 0, next_target, bootstrap)
            delta = rho[step] * (batch["reward"][step, :, head] + spec["discount"] * value - values[step])
            if next_value is not None:
                delta = delta + spec["discount"] * trace[step] * goes_on[step] * (next_target - next_value)
            targets[step] = values[step] + delta
            advantages[step] = rho[step] * (batch["reward"][step, :, head] + spec["discount"] * target - values[step])
            next_value, next_target = values[step], targets[step]
        return advantages, targets


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    case = json.loads(sys.stdin.readline())
    reference = FastTargets(case["spaces"], case["policy"], case["learn"])
    batch = random_batch(case, reference.state_size)
    print(f"ready {sum(size_of(shape) for shape in reference.shapes.values())}", flush=True)
    for line in sys.stdin:
        count = int(line.split()[1])
        begun = time.perf_counter()
        for _ in range(count):
            reference.step(batch, *case["grid"])
        print(json.dumps({"seconds": time.perf_counter() - begun, "rows": count}), flush=True)


main()
