"""The learner's networks, loss and optimiser in PyTorch, written from the papers and PyTorch's own modules.

What it shares with the code under test: the names, shapes and order of the parameters, and nothing else. Gradients are
PyTorch's, cells are torch.nn.GRUCell and LSTMCell, the optimiser is torch.optim.Adam, the clip clip_grad_norm_.
"""
import math

import torch
import torch.nn.functional as F

WIDTHS = {"tiny": (8, 4, 8, 64, 64), "small": (16, 8, 16, 128, 128), "medium": (32, 16, 32, 256, 512)}
CELLS_MAX = 256
LEARN = {
    "discount": 0.99, "lambda": 0.95, "rhoMax": 1.0, "cMax": 1.0, "clipRatio": 0.2, "valueClip": 1.0, "valueCoefficient": 0.5,
    "entropyCoefficient": 0.01, "advantageWhitening": True, "learningRate": 0.0005, "adamBeta1": 0.9, "adamBeta2": 0.999,
    "adamEpsilon": 1e-5, "gradientNormMax": 1.0,
}


def wave(stream, count):
    """Numbers in [-1, 1] that both sides can make: sin(12.9898 (i + 1) + 78.233 stream), in double precision."""
    return [math.sin(12.9898 * (index + 1) + 78.233 * stream) for index in range(count)]


def size_of(shape):
    return math.prod(shape)


class Reference:
    def __init__(self, spaces, policy, learn, parameters=None, episode_steps=None):
        self.spaces, self.policy = spaces, policy
        self.episode_steps = episode_steps
        self.learn = {**LEARN, **learn}
        self.glyph, self.character, self.channels, self.encoder, self.hidden = WIDTHS[policy["preset"]]
        self.recurrent = policy["kind"] == "recurrent"
        self.cell = policy.get("cell", "gru")
        self.convolution = policy.get("encoder", "dense") == "convolution"
        self.heads = [head.get("discount", self.learn["discount"]) for head in policy.get("valueHeads", {"all": {}}).values()]
        self.parameters = {}
        self.shapes = self.parameter_shapes()
        self.state_size = 0 if not self.recurrent else self.hidden * (2 if self.cell == "lstm" else 1)
        for name, shape in self.shapes.items():
            values = parameters(name, shape) if parameters else torch.randn(shape) * 0.1
            self.parameters[name] = values.clone().requires_grad_(True)
        self.optimiser = torch.optim.Adam(
            self.parameters.values(), lr=self.learn["learningRate"], betas=(self.learn["adamBeta1"], self.learn["adamBeta2"]), eps=self.learn["adamEpsilon"]
        )

    def parameter_shapes(self):
        shapes, joined = {}, 0
        for name, space in self.spaces["observations"].items():
            elements = size_of(space["shape"])
            if space["kind"] in ("glyphs", "text"):
                vocabulary = 256 if space["kind"] == "text" else space.get("vocabulary", 256)
                width = (8 if self.convolution else 2) if elements > CELLS_MAX else (self.character if space["kind"] == "text" else self.glyph)
                outputs = self.encoder // 2 if space["kind"] == "text" else self.encoder
                shapes[f"{name}.embedding"] = (vocabulary, width)
                inputs = elements * width
                if self.convolution:
                    inputs = self.convolution_shapes(shapes, name, [width, *space["shape"]], 2)
            elif space["kind"] == "image" and self.convolution:
                height, wide, colours = (*space["shape"], 1)[:3]
                inputs, outputs = self.convolution_shapes(shapes, name, [colours, height, wide], None), self.encoder
            else:
                inputs, outputs = elements, self.encoder // 2
            shapes[f"{name}.dense.weight"] = (inputs, outputs)
            shapes[f"{name}.dense.bias"] = (outputs,)
            joined += outputs
        trunk = self.encoder if self.recurrent else self.hidden
        shapes["trunk.weight"], shapes["trunk.bias"] = (joined, trunk), (trunk,)
        if self.recurrent:
            gates = (4 if self.cell == "lstm" else 3) * self.hidden
            shapes["memory.input.weight"], shapes["memory.input.bias"] = (trunk, gates), (gates,)
            shapes["memory.recurrent.weight"] = (self.hidden, gates)
            if self.cell == "gru":
                shapes["memory.recurrent.bias"] = (gates,)
        else:
            shapes["trunk.2.weight"], shapes["trunk.2.bias"] = (trunk, self.hidden), (self.hidden,)
        action = self.spaces["action"]
        outputs = action["count"] if action["kind"] == "discrete" else action["size"]
        heads = len(self.heads)
        shapes["value.weight"], shapes["value.bias"] = (self.hidden, heads), (heads,)
        shapes["policy.weight"], shapes["policy.bias"] = (self.hidden, outputs), (outputs,)
        if action["kind"] == "continuous":
            shapes["policy.log_deviation"] = (outputs,)
        return shapes

    def convolution_shapes(self, shapes, name, shape, layers):
        """Adds the kernels for an input [C, H, W] or [C, L]; gives the size of what the last layer makes."""
        kernel = [5] if len(shape) == 2 else [3, 3]
        layer = 0
        while True:
            layer += 1
            outputs = self.channels * (layer if layers else min(layer, 4))
            shapes[f"{name}.convolution.{layer}.weight"] = (outputs, shape[0], *kernel)
            shapes[f"{name}.convolution.{layer}.bias"] = (outputs,)
            stride = 1 if layers and layer == 1 else 2
            shape = [outputs, *[math.ceil(size / stride) for size in shape[1:]]]
            if layer == layers or (layers is None and max(shape[1:]) <= 8):
                return size_of(shape)

    def convolve(self, name, x, layers):
        layer = 0
        while f"{name}.convolution.{layer + 1}.weight" in self.shapes:
            layer += 1
            weight, bias = self.parameters[f"{name}.convolution.{layer}.weight"], self.parameters[f"{name}.convolution.{layer}.bias"]
            function, padding = (F.conv1d, 2) if weight.dim() == 3 else (F.conv2d, 1)
            x = F.relu(function(x, weight, bias, stride=1 if layers and layer == 1 else 2, padding=padding))
        return x.flatten(1)

    def dense(self, name, x):
        return F.linear(x, self.parameters[f"{name}.weight"].T, self.parameters[f"{name}.bias"])

    def encode(self, name, space, values):
        rows = values.shape[0]
        if space["kind"] in ("glyphs", "text"):
            embedded = F.embedding(values.reshape(rows, -1).long(), self.parameters[f"{name}.embedding"])
            if self.convolution:
                flat = self.convolve(name, embedded.reshape(rows, *space["shape"], -1).movedim(-1, 1), 2)
            else:
                flat = embedded.reshape(rows, -1)
            return F.relu(self.dense(f"{name}.dense", flat))
        if space["kind"] == "image" and self.convolution:
            height, wide, colours = (*space["shape"], 1)[:3]
            return F.relu(self.dense(f"{name}.dense", self.convolve(name, values.reshape(rows, height, wide, colours).float().movedim(-1, 1) / 255, None)))
        scale = 255 if space["kind"] == "image" else space.get("scale", 1)
        inverse = torch.tensor([1 / one for one in scale] if isinstance(scale, list) else 1 / scale, dtype=torch.float32)
        return F.relu(self.dense(f"{name}.dense", values.reshape(rows, -1).float() * inverse))

    def forward(self, batch, steps, width):
        parts = [self.encode(name, space, batch["observations"][name]) for name, space in self.spaces["observations"].items()]
        features = F.relu(self.dense("trunk", torch.cat(parts, 1)))
        if self.recurrent:
            features = self.unroll(features.reshape(steps, width, -1), batch["state"], batch["keep"]).reshape(steps * width, -1)
        else:
            features = F.relu(self.dense("trunk.2", features))
        return self.dense("policy", features), self.dense("value", features).reshape(steps, width, -1)

    def unroll(self, features, state, keep):
        p = self.parameters
        weights = [p["memory.input.weight"].T, p["memory.recurrent.weight"].T, p["memory.input.bias"]]
        outputs = []
        if self.cell == "gru":
            h = state
            for step in range(features.shape[0]):
                h = torch.gru_cell(features[step], h * keep[step][:, None], *weights, p["memory.recurrent.bias"])
                outputs.append(h)
        else:
            h, c = state[:, : self.hidden], state[:, self.hidden :]
            none = torch.zeros_like(p["memory.input.bias"])
            for step in range(features.shape[0]):
                mask = keep[step][:, None]
                h, c = torch.lstm_cell(features[step], (h * mask, c * mask), *weights, none)
                outputs.append(h)
        return torch.stack(outputs)

    def loss(self, batch, steps, width):
        spec = self.learn
        distribution, value = self.forward(batch, steps, width)
        if self.spaces["action"]["kind"] == "discrete":
            policy = torch.distributions.Categorical(logits=distribution)
            log_prob, entropy = policy.log_prob(batch["action"]), policy.entropy()
        else:
            policy = torch.distributions.Normal(distribution, self.parameters["policy.log_deviation"].exp().expand_as(distribution))
            log_prob, entropy = policy.log_prob(batch["action"]).sum(1), policy.entropy().sum(1)
        log_ratio = log_prob.reshape(steps, width) - batch["behaviourLogProb"]
        ratio = log_ratio.clamp(-20, 20).exp()
        if spec["correction"] in ("grpo", "rloo"):
            return self.compared_loss(batch, log_ratio, ratio, entropy.reshape(steps, width))
        separate = [self.targets(batch, value.detach(), ratio.detach(), steps, head) for head in range(len(self.heads))]
        advantage = sum(one for one, _ in separate)
        target = torch.stack([one for _, one in separate], 2)
        weight = batch["weight"]
        total = weight.sum().clamp(min=1)
        average = lambda x: (x * weight).sum() / total
        if spec["advantageWhitening"]:
            centred = advantage - average(advantage)
            used = centred / average(centred**2).sqrt().clamp(min=1e-3)
        else:
            used = advantage
        clipped = ratio.clamp(1 - spec["clipRatio"], 1 + spec["clipRatio"])
        policy_loss = -average(torch.minimum(ratio * used, clipped * used))
        error = (value - target) ** 2
        if spec["valueClip"] is not None:
            near = batch["behaviourValue"] + (value - batch["behaviourValue"]).clamp(-spec["valueClip"], spec["valueClip"])
            error = torch.maximum(error, (near - target) ** 2)
        value_loss = 0.5 * average(error.sum(2))
        entropy = average(entropy.reshape(steps, width))
        loss = policy_loss + spec["valueCoefficient"] * value_loss - spec["entropyCoefficient"] * entropy
        metrics = {
            "loss": loss, "policyLoss": policy_loss, "valueLoss": value_loss, "entropy": entropy,
            "approximateKl": average(ratio - 1 - log_ratio), "ratioMean": average(ratio), "targetMean": average(target.sum(2)), "advantageMean": average(advantage),
        }
        return loss, metrics

    def compared_loss(self, batch, log_ratio, ratio, entropy):
        """The clipped surrogate (arXiv 1707.06347, equation 7) on advantages of whole episodes, less the entropy bonus; no value function."""
        spec = self.learn
        advantage, counts, figures = self.compared_advantages(batch)
        average = lambda x: x[counts].mean()
        surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - spec["clipRatio"], 1 + spec["clipRatio"]) * advantage)
        policy_loss, entropy = -average(surrogate), average(entropy)
        metrics = {
            "loss": policy_loss - spec["entropyCoefficient"] * entropy, "policyLoss": policy_loss, "entropy": entropy,
            "approximateKl": average(ratio - 1 - log_ratio), "clipFraction": average(((ratio - 1).abs() > spec["clipRatio"]).float()),
            "ratioMean": average(ratio), "advantageMean": average(advantage), **figures,
        }
        return metrics["loss"], metrics

    def compared_advantages(self, batch):
        """
        From the undiscounted return of each episode within its group: (R - mean) / (deviation + 1e-6) (arXiv 2402.03300, section
        4.1.2), or R less the mean of the others (arXiv 2402.14740, equation 6). An episode that is cut, or of which a reward is
        unknown, does not count: neither for itself nor for others.
        """
        length, size = self.episode_steps, self.learn["groupSize"]
        reward, done, weight = (batch[name].reshape(batch["done"].shape) for name in ("reward", "done", "weight"))
        steps, width = done.shape
        advantage, counts = torch.zeros(steps, width), torch.zeros(steps, width, dtype=torch.bool)
        returns, equal = [], []
        for begin in range(0, steps, length):
            for first in range(0, width, size):
                group = {}
                for column in range(first, first + size):
                    ends = [step for step in range(begin, begin + length) if done[step, column] > 0]
                    if ends == [begin + length - 1] and weight[begin : begin + length, column].min() > 0:
                        group[column] = reward[begin : begin + length, column].double().sum()
                for column, own in group.items():
                    others = [one for other, one in group.items() if other != column]
                    if not others:
                        value = torch.zeros(())
                    elif self.learn["correction"] == "rloo":
                        value = own - torch.stack(others).mean()
                    else:
                        everyone = torch.stack(list(group.values()))
                        value = (own - everyone.mean()) / (everyone.std() + 1e-6)
                    advantage[begin : begin + length, column] = value
                    counts[begin : begin + length, column] = True
                returns += group.values()
                equal.append(float(len(set(one.item() for one in group.values())) <= 1))
        mean = torch.stack(returns).mean()
        return advantage, counts, {"returnMean": mean, "rewardMean": mean / length, "equalGroups": torch.tensor(equal).mean()}

    def targets(self, batch, values, ratio, steps, head):
        """V-trace (arXiv 1802.01561, remark 1) or GAE (arXiv 1506.02438, equation 16), row by row from the end."""
        spec, off_policy = self.learn, self.learn["correction"] == "v-trace"
        v = (values if off_policy else batch["behaviourValue"])[:, :, head]
        bootstrap, rewards, discount = batch["bootstrapValue"][:, :, head], batch["reward"][:, :, head], self.heads[head]
        width = v.shape[1]
        advantages, targets = torch.zeros(steps, width), torch.zeros(steps, width)
        for column in range(width):
            for step in reversed(range(steps)):
                last = step == steps - 1 or batch["done"][step, column] > 0
                next_value = bootstrap[step, column] if last else v[step + 1, column]
                next_target = bootstrap[step, column] if last else targets[step + 1, column]
                rho = min(ratio[step, column].item(), spec["rhoMax"]) if off_policy else 1.0
                trace = spec["lambda"] * (min(ratio[step, column].item(), spec["cMax"]) if off_policy else 1.0)
                reward, own = rewards[step, column], v[step, column]
                difference = rho * (reward + discount * next_value - own)
                if not last:
                    difference = difference + discount * trace * (next_target - next_value)
                targets[step, column] = own + difference
                advantages[step, column] = rho * (reward + discount * next_target - own) if off_policy else difference
        return advantages, targets

    def step(self, batch, steps, width):
        self.optimiser.zero_grad(set_to_none=True)
        loss, metrics = self.loss(batch, steps, width)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), self.learn["gradientNormMax"])
        self.optimiser.step()
        return {name: value.item() for name, value in {**metrics, "gradientNorm": norm}.items()}
