"""Losses of reward models and of learning from preferences in PyTorch, with their gradients, for numbers drawn here.

Usage: python make_preference_fixtures.py OUTPUT. Every loss is written anew from its formula, with autograd for the gradient.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)


def single(values):
    """To numbers that a 32-bit float holds exactly, so that both sides start from the same."""
    return values.to(torch.float32).to(torch.float64)


def case(name, loss, inputs, settings=None):
    tensors = {key: single(value).requires_grad_() for key, value in inputs.items()}
    value = loss(**tensors, **(settings or {}))
    value.backward()
    return {
        "name": name,
        "settings": settings or {},
        "inputs": {key: {"shape": list(t.shape), "values": t.detach().flatten().tolist()} for key, t in tensors.items()},
        "loss": value.item(),
        "gradients": {key: t.grad.flatten().tolist() for key, t in tensors.items() if t.grad is not None},
    }


def soft_bce(x, p):
    return F.binary_cross_entropy_with_logits(x, p, reduction="none")


def bradley_terry(difference, probability):
    return soft_bce(difference, probability.detach()).mean()


def bradley_terry_ties(difference, probability, k):
    # Rao and Kupper: P(win) = 1 / (1 + k e^-D), P(tie) = (k^2 - 1) / ((1 + k e^-D)(1 + k e^D)).
    p = probability.detach()
    win = 1 / (1 + k * torch.exp(-difference))
    lose = 1 / (1 + k * torch.exp(difference))
    tie = 1 - win - lose
    chosen = torch.where(p == 1, win, torch.where(p == 0, lose, tie))
    return -torch.log(chosen).mean()


def regression(predicted, rating, mask):
    m = mask.detach()
    return ((predicted - rating.detach()) ** 2)[m == 1].mean()


def mixture(differences, logits, probability, entropy):
    log_a = torch.log_softmax(logits, 1)
    p = probability.detach()[:, None]
    each = p * torch.sigmoid(differences) + (1 - p) * torch.sigmoid(-differences)
    fit = -torch.logsumexp(log_a + torch.log(each), 1).mean()
    return fit + entropy * -torch.distributions.Categorical(logits=logits).entropy().mean()


def divergence(mean, log_variance):
    q = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    return torch.distributions.kl_divergence(q, torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))).sum(1).mean()


def dpo(difference, probability, beta):
    p = probability.detach()
    return (-p * F.logsigmoid(beta * difference) - (1 - p) * F.logsigmoid(-beta * difference)).mean()


def ipo(difference, probability, beta):
    p = probability.detach()
    return (p * (difference - 1 / (2 * beta)) ** 2 + (1 - p) * (-difference - 1 / (2 * beta)) ** 2).mean()


def modpo(difference, probability, margin, beta, first_weight):
    return soft_bce((beta * difference - margin.detach()) / first_weight, probability.detach()).mean()


def multi_head(differences, probability, own, beta):
    p = probability.detach()
    heads = []
    for h in range(differences.shape[1]):
        chosen = own.detach()[:, h] == 1
        heads.append(soft_bce(beta * differences[chosen, h], p[chosen]).mean())
    return sum(heads) / len(heads)


def dynamic(difference, probability, margin, beta, w, k):
    betas = torch.clamp(beta * (1 + w * (1 - torch.exp(-k * margin.detach()))), min=1e-3)
    return soft_bce(betas * difference, probability.detach()).mean()


def steer(log_prob, log_sampler, log_target):
    # The gradient of -sum w' log Q / sum over samples, with the self-normalised baseline: both weights fixed.
    wanted = torch.softmax((log_target - log_sampler).detach(), 1)
    now = torch.softmax((log_prob - log_sampler).detach(), 1)
    return -((wanted - now) * log_prob).sum(1).mean()


def likelihood(log_prob, weight):
    return -(log_prob * weight.detach()).sum(1).mean()


def constrained(returns, divergence, mu, theta):
    lam = torch.tanh(mu)
    fixed = lam.detach()
    policy = (len(returns) - fixed.sum()) * divergence[0] - (fixed * returns).sum()
    return policy + (lam * (returns.detach() - torch.tensor([theta, theta]))).sum()


def triplet(anchor, positive, negative, margin):
    def gap(a, p, n):
        return F.relu((a - p).pow(2).sum(1) - (a - n).pow(2).sum(1) + margin)

    return gap(anchor, positive, negative).mean() + gap(positive, anchor, negative).mean()


def adversarial(f, log_policy, expert, policy):
    odds = torch.exp(f) / (torch.exp(f) + torch.exp(log_policy.detach()))
    return -(expert.detach() * torch.log(odds)).sum() - (policy.detach() * torch.log(1 - odds)).sum()


N = 12
difference = torch.randn(N) * 2
hard = (torch.rand(N) < 0.5).double()
soft = torch.rand(N)
ties = torch.tensor([1.0, 0.0, 0.5] * 4)
own = F.one_hot(torch.arange(N) % 3, 3).double()
extreme = torch.tensor([0.0, 40.0, -40.0, 1e-6, 90.0, -90.0] * 2)

cases = [
    case("bradleyTerry hard", bradley_terry, {"difference": difference, "probability": hard}),
    case("bradleyTerry soft", bradley_terry, {"difference": difference, "probability": soft}),
    case("bradleyTerry far out", bradley_terry, {"difference": extreme, "probability": hard}),
    case("bradleyTerryTies", bradley_terry_ties, {"difference": difference, "probability": ties}, {"k": 5.0}),
    case("regression", regression, {"predicted": torch.randn(N, 4), "rating": torch.randn(N, 4), "mask": (torch.rand(N, 4) < 0.6).double()}),
    case("mixture", mixture, {"differences": torch.randn(N, 3), "logits": torch.randn(N, 3), "probability": soft}, {"entropy": 0.3}),
    case("divergence", divergence, {"mean": torch.randn(N, 2), "log_variance": torch.randn(N, 2)}),
    case("dpo", dpo, {"difference": difference, "probability": soft}, {"beta": 0.3}),
    case("dpo at the reference", dpo, {"difference": torch.zeros(N), "probability": hard}, {"beta": 0.3}),
    case("ipo", ipo, {"difference": difference, "probability": soft}, {"beta": 0.3}),
    case("modpo", modpo, {"difference": difference, "probability": soft, "margin": torch.randn(N)}, {"beta": 0.5, "first_weight": 0.2}),
    case("multiHead", multi_head, {"differences": torch.randn(N, 3), "probability": soft, "own": own}, {"beta": 0.7}),
    case("dynamic", dynamic, {"difference": difference, "probability": soft, "margin": torch.randn(N) * 3}, {"beta": 0.2, "w": 1.5, "k": 0.8}),
    case("steer", steer, {"log_prob": torch.log_softmax(torch.randn(N, 5), 1), "log_sampler": torch.log_softmax(torch.randn(N, 5), 1), "log_target": torch.randn(N, 5)}),
    case("constrained", constrained, {"returns": torch.tensor([0.4, 1.7]), "divergence": torch.tensor([0.9]), "mu": torch.tensor([0.3, -0.8])}, {"theta": 1.0}),
    case("triplet", triplet, {"anchor": torch.randn(N, 3), "positive": torch.randn(N, 3), "negative": torch.randn(N, 3)}, {"margin": 1.0}),
    case("adversarial", adversarial, {"f": torch.randn(N), "log_policy": torch.log_softmax(torch.randn(N), 0), "expert": torch.softmax(torch.randn(N), 0), "policy": torch.softmax(torch.randn(N), 0)}),
    case("likelihood", likelihood, {"log_prob": torch.log_softmax(torch.randn(N, 5), 1), "weight": torch.softmax(torch.randn(N, 5), 1)}),
]

with open(sys.argv[1], "w", encoding="utf8") as output:
    json.dump({"madeWith": f"torch {torch.__version__}", "cases": cases}, output)
