/**
 * The Python side of Gymnasium environments, run as `python -c`. Frames on stdin and stdout: 4 bytes of length (little
 * endian), 4 bytes of header length, a JSON header, then raw arrays. What an environment prints goes to stderr. It ends
 * with its input.
 */
export const PYTHON_SOURCE = `
import json, os, struct, sys, traceback
frames_in = os.fdopen(os.dup(0), "rb")
frames_out = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
import numpy as np
import gymnasium as gym
from gymnasium import spaces

def read_exactly(count):
    data = frames_in.read(count)
    if data is None or len(data) < count:
        os._exit(0)
    return data

def read_frame():
    length, header_length = struct.unpack("<II", read_exactly(8))
    header = json.loads(read_exactly(header_length))
    return header, read_exactly(length - header_length)

def write_frame(header, body=b""):
    text = json.dumps(header).encode()
    frames_out.write(struct.pack("<II", len(text) + len(body), len(text)) + text + body)
    frames_out.flush()

def flatten(space, name):
    if isinstance(space, spaces.Dict):
        return [leaf for key in space.spaces for leaf in flatten(space.spaces[key], name + "." + key if name else key)]
    if isinstance(space, spaces.Tuple):
        return [leaf for i, one in enumerate(space.spaces) for leaf in flatten(one, (name + "." if name else "") + str(i))]
    name = name or "observation"
    if isinstance(space, spaces.Box):
        image = space.dtype == np.uint8 and len(space.shape) == 3
        kind, dtype = ("image", "uint8") if image else ("vector", "float32")
        return [dict(name=name, type=dtype, shape=list(space.shape) or [1], kind=kind)]
    if isinstance(space, spaces.Discrete):
        return [dict(name=name, type="int32", shape=[1], kind="glyphs", vocabulary=int(space.n), start=int(space.start))]
    if isinstance(space, spaces.MultiBinary):
        return [dict(name=name, type="float32", shape=[int(np.prod(space.shape))], kind="vector")]
    if isinstance(space, spaces.MultiDiscrete):
        return [dict(name=name, type="int32", shape=[int(np.prod(space.nvec.shape))], kind="glyphs", vocabulary=int(space.nvec.max()))]
    raise ValueError("unsupported observation space " + str(space))

def values(space, value):
    if isinstance(space, spaces.Dict):
        return [leaf for key in space.spaces for leaf in values(space.spaces[key], value[key])]
    if isinstance(space, spaces.Tuple):
        return [leaf for i, one in enumerate(space.spaces) for leaf in values(one, value[i])]
    if isinstance(space, spaces.Discrete):
        return [np.asarray([int(value) - int(space.start)], dtype="<i4")]
    if isinstance(space, spaces.MultiDiscrete):
        return [np.asarray(value, dtype="<i4").reshape(-1)]
    if isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) == 3:
        return [np.ascontiguousarray(value, dtype=np.uint8)]
    return [np.ascontiguousarray(value, dtype="<f4")]

def describe_action(space):
    if isinstance(space, spaces.Discrete):
        return dict(kind="discrete", count=int(space.n))
    if isinstance(space, spaces.Box):
        low, high = np.broadcast_to(space.low, space.shape).reshape(-1), np.broadcast_to(space.high, space.shape).reshape(-1)
        return dict(kind="continuous", size=int(low.size), low=[float(x) if np.isfinite(x) else -1e9 for x in low], high=[float(x) if np.isfinite(x) else 1e9 for x in high])
    raise ValueError("unsupported action space " + str(space))

class Slot:
    def __init__(self, config):
        self.config = config
        self.env = None

    def make(self):
        if self.env is None:
            options = dict(self.config["kwargs"])
            if self.config.get("episodeStepsMax"):
                options["max_episode_steps"] = self.config["episodeStepsMax"]
            self.env = gym.make(self.config["id"], **options)
        return self.env

    def drop(self):
        try:
            if self.env is not None:
                self.env.close()
        except Exception:
            pass
        self.env = None

    def observation(self, value):
        return b"".join(leaf.tobytes() for leaf in values(self.env.observation_space, value))

    def action(self, raw):
        space = self.env.action_space
        if isinstance(space, spaces.Discrete):
            return int(raw) + int(space.start)
        return np.clip(np.asarray(raw, dtype=np.float32).reshape(space.shape), space.low, space.high).astype(space.dtype)

def message_of(info):
    text = info.get("message") if isinstance(info, dict) else None
    return text.encode("latin-1", "replace")[:256] if isinstance(text, str) else b""

slots, config = [], None
while True:
    header, body = read_frame()
    try:
        command = header["command"]
        if command == "open":
            config = header
            slots = [Slot(config) for _ in range(header["size"])]
            env = slots[0].make()
            leaves, action = flatten(env.observation_space, ""), describe_action(env.action_space)
            row = sum(int(np.prod(leaf["shape"])) * (1 if leaf["type"] == "uint8" else 4) for leaf in leaves)
            write_frame(dict(observations=leaves, action=action, row=row, versions=dict(gymnasium=gym.__version__, numpy=np.__version__)))
        elif command == "reset":
            slot = slots[header["index"]]
            try:
                observation, info = slot.make().reset(seed=header["seed"])
            except Exception:
                slot.drop()
                observation, info = slot.make().reset(seed=header["seed"])
            write_frame({}, slot.observation(observation))
        elif command == "step":
            only = header["only"]
            actions = np.frombuffer(body, dtype="<i4" if header["discrete"] else "<f4").reshape(len(only), -1)
            rewards, flags, texts, rows, errors = [], [], [], [], []
            for place, index in enumerate(only):
                slot = slots[index]
                try:
                    raw = actions[place][0] if header["discrete"] else actions[place]
                    observation, reward, terminated, truncated, info = slot.env.step(slot.action(raw))
                    rows.append(slot.observation(observation))
                    rewards.append(float(reward))
                    flags += [int(bool(terminated)), int(bool(truncated) and not bool(terminated)), 0]
                    texts.append(message_of(info))
                except Exception:
                    errors.append(traceback.format_exc(limit=3))
                    slot.drop()
                    rows.append(b"")
                    rewards.append(0.0)
                    flags += [0, 0, 1]
                    texts.append(b"")
            parts = [np.asarray(rewards, dtype="<f4").tobytes(), bytes(flags), b"".join(texts), b"".join(rows)]
            write_frame(dict(texts=[len(t) for t in texts], rows=[len(r) for r in rows], errors=errors[:4]), b"".join(parts))
        elif command == "close":
            for slot in slots:
                slot.drop()
            write_frame({})
    except gym.error.UnregisteredEnv as error:
        write_frame(dict(unknown=str(error)))
    except Exception:
        write_frame(dict(error=traceback.format_exc(limit=6)))
`;
