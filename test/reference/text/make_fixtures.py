"""Losses and advantages over completions by TRL (its own code) and PyTorch: writes a fixture to the path given.

Needs trl 1.16 (`pip install trl==1.16.0 transformers`), nothing of this project.
"""
import json
import math
import sys
import types

import torch
import trl
from trl import GRPOTrainer

ROWS, TOKENS, GROUP, LONGEST = 6, 5, 3, 8
LENGTHS = [5, 3, 1, 4, 5, 2]


def wave(rows, tokens, scale, step, shift):
    return [[scale * math.sin(step * (row * tokens + at) + shift) for at in range(tokens)] for row in range(rows)]


LOG_PROB = [[value - 1.5 for value in row] for row in wave(ROWS, TOKENS, 0.9, 1.3, 0.2)]
BEHAVIOUR = [[a + b for a, b in zip(x, y)] for x, y in zip(LOG_PROB, wave(ROWS, TOKENS, 0.35, 2.1, 1.0))]
REFERENCE = [[a + b for a, b in zip(x, y)] for x, y in zip(LOG_PROB, wave(ROWS, TOKENS, 0.5, 0.7, 2.0))]
# One ratio that is far outside of every clip.
BEHAVIOUR[3][1] = LOG_PROB[3][1] - math.log(1e6)
MASK = [[1 if at < length else 0 for at in range(TOKENS)] for length in LENGTHS]
ADVANTAGE = [1.2, -0.4, -0.8, -1.1, 0.9, 0.2]
REWARDS = [1.0, 0.0, 0.5, 2.0, 2.0, 2.0, -1.0, 3.0, 0.25]
OUTLIERS = [0.1, -0.2, 0.3, -0.1, 0.2, 0.0, -0.3, 0.1, 0.2, -0.1, 0.15, 9.0]
WEIGHTS = [1.0, 0.0, 0.5, 2.0, -0.25, 1.0]

CASES = {
    "grpo": dict(loss_type="grpo", level="token", beta=0.0, low=0.2, high=0.2),
    "grpo with k3 to a reference": dict(loss_type="grpo", level="token", beta=0.04, low=0.2, high=0.2),
    "token mean with clip-higher (DAPO)": dict(loss_type="bnpo", level="token", beta=0.0, low=0.2, high=0.28),
    "constant length (Dr. GRPO)": dict(loss_type="dr_grpo", level="token", beta=0.0, low=0.2, high=0.2),
    "one ratio for a completion (GSPO)": dict(loss_type="grpo", level="sequence", beta=0.0, low=0.1, high=0.15),
}
AGGREGATION = {("grpo", "token"): "sequence", ("bnpo", "token"): "token", ("dr_grpo", "token"): "constant", ("grpo", "sequence"): "sequence-ratio"}


def trl_loss(case):
    """GRPOTrainer._compute_loss on given log-probabilities: the rest of a trainer is stubbed, the formula is TRL's."""
    log_prob = torch.tensor(LOG_PROB, requires_grad=True)
    gather = types.SimpleNamespace(gather=lambda x: x, reduce=lambda x, reduction: x, num_processes=1)
    trainer = types.SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (log_prob, torch.zeros(ROWS, TOKENS), None),
        top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level=case["level"], beta=case["beta"], loss_type=case["loss_type"],
        epsilon_low=case["low"], epsilon_high=case["high"], max_completion_length=LONGEST, _entropy_bonus_enabled=False, use_vllm=False, vllm_importance_sampling_correction=False, aux_loss_enabled=False,
        args=types.SimpleNamespace(delta=None, use_bias_correction_kl=False), model=types.SimpleNamespace(training=False), accelerator=gather, current_gradient_accumulation_steps=1,
        _metrics={"eval": __import__("collections").defaultdict(list), "train": __import__("collections").defaultdict(list)},
    )
    ids = torch.zeros(ROWS, TOKENS, dtype=torch.long)
    inputs = dict(prompt_ids=ids[:, :1], prompt_mask=ids[:, :1] + 1, completion_ids=ids, completion_mask=torch.tensor(MASK), advantages=torch.tensor(ADVANTAGE), old_per_token_logps=torch.tensor(BEHAVIOUR), ref_per_token_logps=torch.tensor(REFERENCE))
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    return dict(aggregation=AGGREGATION[case["loss_type"], case["level"]], estimator="grpo", klCoefficient=case["beta"], clipLow=case["low"], clipHigh=case["high"], loss=loss.item(), gradient=log_prob.grad.tolist())


def stable_loss():
    """StableReinforce: the log-ratio is bounded before the exponential (arXiv 2505.02835); not in TRL, so in PyTorch."""
    log_prob = torch.tensor(LOG_PROB, requires_grad=True)
    mask, advantage = torch.tensor(MASK, dtype=torch.float32), torch.tensor(ADVANTAGE)[:, None]
    ratio = torch.exp(torch.clamp(log_prob - torch.tensor(BEHAVIOUR), math.log(1e-3), math.log(1e3)))
    each = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
    loss = ((each * mask).sum(1) / mask.sum(1)).mean()
    loss.backward()
    return dict(aggregation="sequence", estimator="stable-reinforce", klCoefficient=0.0, clipLow=0.2, clipHigh=0.2, loss=loss.item(), gradient=log_prob.grad.tolist())


def likelihood(weights):
    log_prob = torch.tensor(LOG_PROB, requires_grad=True)
    each = torch.tensor(MASK, dtype=torch.float32) * torch.tensor(weights)[:, None]
    loss = -(log_prob * each).sum() / each.abs().sum()
    loss.backward()
    return dict(weights=weights, loss=loss.item(), gradient=log_prob.grad.tolist())


def advantages():
    rewards = torch.tensor(REWARDS, dtype=torch.float64).view(-1, GROUP)
    mean, std = rewards.mean(1, keepdim=True), rewards.std(1, keepdim=True)
    others = (rewards.sum(1, keepdim=True) - rewards) / (GROUP - 1)
    outliers = torch.tensor(OUTLIERS, dtype=torch.float64).view(1, -1)
    standard = (outliers - outliers.mean()) / (outliers.std() + 1e-6)
    far = (standard - standard.mean()).abs() > 3 * standard.std()
    penalties = torch.linspace(-0.2, 0.2, len(REWARDS), dtype=torch.float64)
    penalised = rewards.flatten() - penalties
    return {
        "grpo": dict(rewards=REWARDS, group=GROUP, advantages=((rewards - mean) / (std + 1e-6)).flatten().tolist()),
        "dr-grpo": dict(rewards=REWARDS, group=GROUP, advantages=(rewards - mean).flatten().tolist()),
        "rloo": dict(rewards=REWARDS, group=GROUP, advantages=(rewards - others).flatten().tolist()),
        "reinforce++": dict(rewards=REWARDS, group=GROUP, penalties=penalties.tolist(), advantages=((penalised - penalised.mean()) / (penalised.std() + 1e-6)).tolist()),
        "stable-reinforce": dict(rewards=OUTLIERS, group=len(OUTLIERS), advantages=torch.where(far, torch.zeros(()).double(), standard).flatten().tolist()),
    }


fixture = dict(
    madeWith=f"trl {trl.__version__}, torch {torch.__version__}",
    inputs=dict(logProb=LOG_PROB, behaviourLogProb=BEHAVIOUR, referenceLogProb=REFERENCE, mask=MASK, advantage=ADVANTAGE, completionTokensMax=LONGEST),
    losses={**{name: trl_loss(case) for name, case in CASES.items()}, "StableReinforce": stable_loss()},
    likelihoods={"cross-entropy": likelihood([1.0] * ROWS), "weighted": likelihood(WEIGHTS)},
    advantages=advantages(),
)
with open(sys.argv[1], "w") as file:
    json.dump(fixture, file)
