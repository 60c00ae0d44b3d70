"""The other side of interop_test.go: numpy as a user trains and reads models with it.

    interop.py write DIR      writes layer files in every form numpy has, and what is in them
    interop.py read  DIR      reads the model in DIR, decodes and encodes what stands on standard input
"""
import itertools, json, os, sys, zipfile
import numpy as np


def write(root):
    rng = np.random.default_rng(7)
    w0, v0 = rng.normal(size=(4, 6)), rng.normal(size=(6, 4))
    names = []
    for kind, order, fortran, form in itertools.product(["f2", "f4", "f8"], "<>", [False, True], ["stored", "deflated", "npy2"]):
        name = f"{kind}-{'little' if order == '<' else 'big'}-{'fortran' if fortran else 'c'}-{form}"
        w, v = (np.array(a, dtype=order + kind, order="F" if fortran else "C") for a in (w0, v0))
        os.makedirs(os.path.join(root, name))
        path = os.path.join(root, name, "layer_0.npz")
        if form == "stored":
            np.savez(path, W=w, V=v)
        elif form == "deflated":
            np.savez_compressed(path, V=v, W=w, bias=np.zeros(4))
        else:
            with zipfile.ZipFile(path, "w") as z:
                for member, a in (("W.npy", w), ("V.npy", v)):
                    with z.open(member, "w") as f:
                        np.lib.format.write_array(f, a, version=(2, 0))
        json.dump({"manifest_version": "1", "model_format": "layer_npz_v1", "model_path": ".", "latent_dim": 4, "packing": "int8",
                   "scale": 19.5, "input_dims": 6, "window_W": 1, "window_stride": 1, "delta": None},
                  open(os.path.join(root, name, "bam_manifest.json"), "w"))
        names.append({"name": name, "W": w.astype("<f4").ravel().tolist(), "V": v.astype("<f4").ravel().tolist()})
    json.dump(names, sys.stdout)


PACK = {"int8": "<i1", "int16": "<i2", "float16": "<f2", "float32": "<f4"}


def squash(a, delta):
    if delta == 0:
        return a
    d = np.float32(delta)
    return np.clip((d + np.float32(1)) * a - d * a**3, np.float32(-1), np.float32(1))


def read(root):
    man = json.load(open(os.path.join(root, "bam_manifest.json")))
    norm = json.load(open(os.path.join(root, man["norm_path"]))) if man.get("norm_path") else None
    layers, i = [], 0
    while os.path.exists(os.path.join(root, f"layer_{i}.npz")):
        z = np.load(os.path.join(root, f"layer_{i}.npz"), allow_pickle=False)
        layers.append((z["W"], z["V"]))
        i += 1
    delta = man.get("delta") or 0
    task = json.load(sys.stdin)
    dtype = np.dtype(PACK[man["packing"]])
    integer = dtype.kind == "i"
    scale = np.float32(man["scale"]) if integer else None

    def decode(payload):
        y = np.frombuffer(bytes.fromhex(payload), dtype=dtype).astype(np.float32)
        if integer:
            y = y / scale
        for w, v in reversed(layers):
            x = squash(v @ y, delta)
            for _ in range(man["decode_cycles"]):
                x = squash(v @ squash(w @ x, delta), delta)
            y = x
        z = y.astype(np.float64)
        if norm:
            mean, std = np.array(norm["mean"]), np.array(norm["std"])
            z = np.where(std == 0, mean, z * std + mean)
        return z.tolist()

    def encode(window, dtype_norm=np.float64):
        x = np.array(window, dtype=dtype_norm)
        if norm:
            mean, std = np.array(norm["mean"], dtype=dtype_norm), np.array(norm["std"], dtype=dtype_norm)
            x = np.where(std == 0, 0, (x - mean) / np.where(std == 0, 1, std))
        x = x.astype(np.float32)
        for w, v in layers:
            y = squash(w @ x, delta)
            for _ in range(man["encode_cycles"]):
                y = squash(w @ squash(v @ y, delta), delta)
            x = y
        if integer:
            info = np.iinfo(dtype)
            return np.clip(np.rint(x * scale), info.min, info.max).astype(dtype).tobytes().hex()
        return x.astype(dtype).tobytes().hex()

    json.dump({
        "layers": [{"dtype": str(w.dtype), "shape": list(w.shape), "W": w.ravel().tolist(), "V": v.ravel().tolist()} for w, v in layers],
        "decoded": [decode(p) for p in task["payloads"]],
        "encoded": [encode(w) for w in task["windows"]],
        "encoded32": [encode(w, np.float32) for w in task["windows"]],
    }, sys.stdout)


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])
