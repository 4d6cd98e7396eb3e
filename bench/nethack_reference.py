"""The Python side of bench/nethack.ts: the same library behind its own Python package.

Usage: nethack_reference.py keys TRACE.json   plays recorded keys through nle.nethack.Nethack
       nethack_reference.py lean STEPS        plays random actions through NetHackScore-v0 with map, status and message only
       nethack_reference.py shipped STEPS     the same with the observations that it has by default
Prints one JSON object.
"""
import json
import sys
import time


def play_keys(path):
    from nle import nethack

    with open(path) as file:
        trace = json.load(file)
    game = nethack.Nethack(
        observation_keys=("glyphs", "blstats", "message", "program_state", "internal"),
        playername=trace["name"],
        options=trace["options"],
        ttyrec=None,
        fix_moon_phase=True,
    )
    steps = 0
    letters = []
    step_s = reset_s = 0.0
    for episode in trace["episodes"]:
        begin = time.process_time()
        game.set_initial_seeds(int(episode["core"]), int(episode["display"]), False, None)
        game.reset()
        middle = time.process_time()
        letters.append(0)
        for key in episode["keys"]:
            observation, done = game.step(key)
            message = bytes(observation[2])
            letters[-1] += len(message[: message.index(b"\0")].decode("latin-1"))
            if done:
                break
        steps += len(episode["keys"])
        step_s += time.process_time() - middle
        reset_s += middle - begin
    game.close()
    return {"steps": steps, "letters": letters, "stepS": step_s, "resetS": reset_s}


def play_environment(steps, choice):
    import random

    import gymnasium as gym
    import nle  # noqa: F401

    env = gym.make("NetHackScore-v0", **choice).unwrapped
    draw = random.Random(1)
    count = env.action_space.n
    env.reset()
    step_s = reset_s = 0.0
    begin = time.process_time()
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(draw.randrange(count))
        if terminated or truncated:
            middle = time.process_time()
            step_s += middle - begin
            env.reset()
            begin = time.process_time()
            reset_s += begin - middle
    step_s += time.process_time() - begin
    env.close()
    return {"steps": steps, "stepS": step_s, "resetS": reset_s}


LEAN = {"observation_keys": ("glyphs", "blstats", "message")}

if __name__ == "__main__":
    mode, value = sys.argv[1:3]
    print(json.dumps(play_keys(value) if mode == "keys" else play_environment(int(value), LEAN if mode == "lean" else {})))
