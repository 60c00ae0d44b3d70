"""The other side of interop_test.go: numpy as a user writes and reads data sets with it.

    interop.py write DIR      writes files in every form, and prints what is in them
    interop.py read  DIR      prints what numpy reads from the files in DIR
"""
import itertools, json, os, sys
import numpy as np

ORDER = ["lat", "température", "°"]


def write(root):
    rng = np.random.default_rng(3)
    files = []
    forms = itertools.product(["f4", "f8"], "<>", "CF", [2, 3], ["i4", "u4", "i8"], [np.savez, np.savez_compressed])
    for kind, order, memory, ndim, integer, save in forms:
        a = np.array(rng.normal(size=(5, 2, 3)), dtype=order + kind)
        ids, times = np.array([9, 8, 7, 6, 5], dtype=order + integer), np.arange(5).astype(order + integer)
        runs = ["", "walk", "été", "日本", "🛰"]
        if ndim == 2:
            a = a.reshape(5, 6)
        name = f"{kind}-{'little' if order == '<' else 'big'}-{memory}-{ndim}-{integer}-{save.__name__}.npz"
        save(os.path.join(root, name), windows=np.array(a, order=memory), window_id=ids, ts_ms=times, run_id=np.array(runs).astype(order + "U5"),
             order=ORDER, units=["deg", "°C", ""], label=np.zeros(5))
        files.append({"name": name, "values": a.reshape(5, 6).tolist(), "ids": ids.tolist(), "times": times.tolist(), "runs": runs})
    a = rng.normal(size=(3, 4))
    np.save(os.path.join(root, "plain.npy"), a)
    files.append({"name": "plain.npy", "values": a.tolist(), "ids": [0, 1, 2], "times": [0, 0, 0], "runs": ["", "", ""]})
    np.save(os.path.join(root, "none.npy"), np.zeros((0, 12)))
    files.append({"name": "none.npy", "values": [], "ids": [], "times": [], "runs": []})
    objects = np.array(["lat", None, 1.5], dtype=object)
    np.savez(os.path.join(root, "objects.npz"), windows=np.zeros((1, 3)), order=objects)
    json.dump(files, sys.stdout)


def read(root):
    answer = {}
    for name in sorted(os.listdir(root)):
        z = np.load(os.path.join(root, name), allow_pickle=False)
        arrays = {"windows": z} if isinstance(z, np.ndarray) else dict(z)
        answer[name] = {key: {"dtype": a.dtype.str, "shape": a.shape, "values": a.ravel().tolist()} for key, a in arrays.items()}
    json.dump(answer, sys.stdout)


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])
