"""The other side of bench/text.ts: the same transformer in `transformers`, TRL's GRPO loss, eager, one thread.

Reads one line with the shape; prints "ready <parameters>"; answers "step N" and "generate N" with the seconds of N.
"""
import collections
import json
import sys
import time
import types

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from trl import GRPOTrainer
from trl.trainer.utils import selective_log_softmax


def trainer_of(completion):
    """What TRL's loss asks a trainer for."""
    def log_probs(model, ids, attention_mask, keep, **_):
        logits = model(input_ids=ids, attention_mask=attention_mask, use_cache=False, logits_to_keep=keep + 1).logits[:, :-1]
        chosen = selective_log_softmax(logits, ids[:, -keep:])
        with torch.no_grad():
            all_log_probs = logits.log_softmax(-1)
            entropy = -(all_log_probs.exp() * all_log_probs).sum(-1)
        return chosen, entropy, None

    return types.SimpleNamespace(
        _get_per_token_logps_and_entropies=log_probs, top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level="token", beta=0.0, loss_type="grpo",
        epsilon_low=0.2, epsilon_high=0.2, max_completion_length=completion, use_vllm=False, vllm_importance_sampling_correction=False, aux_loss_enabled=False, _entropy_bonus_enabled=False,
        args=types.SimpleNamespace(delta=None, use_bias_correction_kl=False), model=types.SimpleNamespace(training=True), current_gradient_accumulation_steps=1,
        accelerator=types.SimpleNamespace(gather=lambda x: x, reduce=lambda x, reduction: x, num_processes=1),
        _metrics={"train": collections.defaultdict(list), "eval": collections.defaultdict(list)},
    )


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    s = json.loads(sys.stdin.readline())
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=s["vocabulary"], hidden_size=s["width"], intermediate_size=s["feedForward"], num_hidden_layers=s["layers"], num_attention_heads=s["heads"],
        max_position_embeddings=s["context"], tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=None,
    ))
    model.train()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-4, eps=1e-5)
    ids = torch.randint(1, s["vocabulary"], (s["rows"], s["prompt"] + s["completion"]))
    prompt, completion = ids[:, : s["prompt"]], ids[:, s["prompt"]:]
    trainer = trainer_of(s["completion"])
    with torch.no_grad():
        old = trainer._get_per_token_logps_and_entropies(model, ids, torch.ones_like(ids), s["completion"])[0]
    inputs = dict(prompt_ids=prompt, prompt_mask=torch.ones_like(prompt), completion_ids=completion, completion_mask=torch.ones_like(completion), advantages=torch.sin(torch.arange(s["rows"]).float()), old_per_token_logps=old)

    def step():
        optimiser.zero_grad()
        GRPOTrainer._compute_loss(trainer, model, inputs).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    def generate():
        with torch.inference_mode():
            made = model.generate(ids[: s["written"], : s["prompt"]], attention_mask=torch.ones(s["written"], s["prompt"], dtype=torch.long), do_sample=True, top_k=0, max_new_tokens=s["completion"], pad_token_id=0)
        assert made.shape[1] == s["prompt"] + s["completion"]

    print(f"ready {sum(p.numel() for p in model.parameters())}", flush=True)
    for line in sys.stdin:
        name, count = line.split()
        begun = time.perf_counter()
        for _ in range(int(count)):
            {"step": step, "generate": generate}[name]()
        print(json.dumps({"seconds": time.perf_counter() - begun, "rows": int(count)}), flush=True)


main()
