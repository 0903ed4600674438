"""Models of real families with tiny random weights, written as folders that the product's own loader reads.

They draw noise, yet load, guide, step and decode by the code that the real weights run through. Nothing is fetched:
tokenizers are trained on a sentence, networks are made of configurations with two layers and a handful of channels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers as d
import torch
import transformers as t
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["a", "the", "sea", "at", "noon", "red", "boat", "house"]


def written(name: str, folder: Path) -> Path:
    """The folder of a tiny model, by the name of its family in TINY."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipe = TINY[name](folder)
    pipe.save_pretrained(folder / name)
    return folder / name


# Text


def _pieces(special: list[str], **options: Any) -> Any:
    """A tokenizer of byte pairs."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(WORDS)], trainer)
    return t.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **options)


def _t5(width: int = 32) -> tuple[Any, Any]:
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary += [("▁" + word, -2.0) for word in WORDS] + [(letter, -5.0) for letter in "▁,." + LETTERS]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    words = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "model_max_length": 512}
    fast = t.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **words)
    config = t.T5Config(vocab_size=64, d_model=width, d_ff=37, d_kv=8, num_layers=2, num_heads=4)
    return t.T5EncoderModel(config), fast


def _clip(*, projected: bool = False) -> tuple[Any, Any]:
    start, end = "<|startoftext|>", "<|endoftext|>"
    tokenizer = _pieces([start, end], bos_token=start, eos_token=end, pad_token=end, unk_token=end, model_max_length=77)
    config = t.CLIPTextConfig(
        hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4, vocab_size=500,
        max_position_embeddings=77, bos_token_id=0, eos_token_id=1, projection_dim=32,
    )  # fmt: skip
    return (t.CLIPTextModelWithProjection if projected else t.CLIPTextModel)(config), tokenizer


def _bert(folder: Path) -> tuple[Any, Any]:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", ".", *LETTERS, *("##" + one for one in LETTERS), *WORDS]
    file = folder / "vocabulary.txt"
    file.write_text("\n".join(dict.fromkeys(words)))
    tokenizer = t.BertTokenizer(str(file))
    config = t.BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=128,
    )  # fmt: skip
    return t.BertModel(config), tokenizer


def _qwen_vl() -> tuple[Any, Any]:
    end, vision = "<|endoftext|>", ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    special = [end, "<|im_start|>", "<|im_end|>", *vision]
    tokenizer = _pieces(special, pad_token=end, eos_token="<|im_end|>", model_max_length=1024)
    rope = {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"}
    small = {"hidden_size": 16, "intermediate_size": 16}
    config = t.Qwen2_5_VLConfig(
        text_config=small | {
            "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 500,
            "max_position_embeddings": 2048, "rope_scaling": rope, "rope_theta": 1e6,
        },
        vision_config=small | {"depth": 2, "num_heads": 2, "out_hidden_size": 16}, vocab_size=500, hidden_size=16,
    )  # fmt: skip
    return t.Qwen2_5_VLForConditionalGeneration(config), tokenizer


def _qwen3() -> tuple[Any, Any]:
    end = "<|endoftext|>"
    tokenizer = _pieces(
        [end, "<|im_start|>", "<|im_end|>"], pad_token=end, eos_token="<|im_end|>", model_max_length=512
    )
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}<|im_end|>\n{% endfor %}"
    config = t.Qwen3Config(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=500, max_position_embeddings=512, head_dim=8,
    )  # fmt: skip
    return t.Qwen3Model(config), tokenizer


# Pixels


def _vae(latents: int, blocks: int = 4, **options: Any) -> Any:
    """An autoencoder that makes a latent pixel of 2 ** (blocks - 1) by as many pixels."""
    return d.AutoencoderKL(
        block_out_channels=(8,) * blocks, norm_num_groups=4, layers_per_block=1, latent_channels=latents,
        sample_size=64, down_block_types=["DownEncoderBlock2D"] * blocks, up_block_types=["UpDecoderBlock2D"] * blocks,
        **options,
    )  # fmt: skip


def _flow_vae(latents: int) -> Any:
    return _vae(latents, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5)


def _unet(**options: Any) -> Any:
    return d.UNet2DConditionModel(
        block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1, sample_size=8, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4, **options,
    )  # fmt: skip


# Families


def _stable_diffusion(folder: Path) -> Any:
    encoder, tokenizer = _clip()
    return d.StableDiffusionPipeline(
        vae=_vae(4), text_encoder=encoder, tokenizer=tokenizer, unet=_unet(cross_attention_dim=32),
        scheduler=d.PNDMScheduler(skip_prk_steps=True, steps_offset=1), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip


def _stable_diffusion_xl(folder: Path) -> Any:
    first, second = _clip(), _clip(projected=True)
    unet = _unet(
        cross_attention_dim=64, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=80,
    )  # fmt: skip
    return d.StableDiffusionXLPipeline(
        vae=_vae(4), text_encoder=first[0], tokenizer=first[1], text_encoder_2=second[0], tokenizer_2=second[1],
        unet=unet, scheduler=d.EulerDiscreteScheduler(),
    )  # fmt: skip


def _stable_diffusion_3(folder: Path) -> Any:
    first, second, third = _clip(projected=True), _clip(projected=True), _t5()
    transformer = d.SD3Transformer2DModel(
        sample_size=16, patch_size=1, in_channels=16, num_layers=2, attention_head_dim=8, num_attention_heads=4,
        caption_projection_dim=32, joint_attention_dim=32, pooled_projection_dim=64, out_channels=16,
    )  # fmt: skip
    return d.StableDiffusion3Pipeline(
        transformer=transformer, scheduler=d.FlowMatchEulerDiscreteScheduler(), vae=_flow_vae(16),
        text_encoder=first[0], tokenizer=first[1], text_encoder_2=second[0], tokenizer_2=second[1],
        text_encoder_3=third[0], tokenizer_3=third[1],
    )  # fmt: skip


def _flux(folder: Path, *, guided: bool = False) -> Any:
    first, second = _clip(), _t5()
    transformer = d.FluxTransformer2DModel(
        patch_size=1, in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=[4, 4, 8], guidance_embeds=guided,
    )  # fmt: skip
    return d.FluxPipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(), vae=_flow_vae(1), text_encoder=first[0], tokenizer=first[1],
        text_encoder_2=second[0], tokenizer_2=second[1], transformer=transformer,
    )  # fmt: skip


def _qwen_image(folder: Path) -> Any:
    encoder, tokenizer = _qwen_vl()
    transformer = d.QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=3,
        joint_attention_dim=16, guidance_embeds=False, axes_dims_rope=(8, 4, 4),
    )  # fmt: skip
    vae = d.AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1, temperal_downsample=[False, True],
        latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
    return d.QwenImagePipeline(
        transformer=transformer, vae=vae, scheduler=d.FlowMatchEulerDiscreteScheduler(), text_encoder=encoder,
        tokenizer=tokenizer,
    )  # fmt: skip


def _hunyuan_dit(folder: Path) -> Any:
    first, second = _bert(folder), _t5()
    transformer = d.HunyuanDiT2DModel(
        sample_size=16, num_layers=2, patch_size=2, attention_head_dim=8, num_attention_heads=3, in_channels=4,
        cross_attention_dim=32, cross_attention_dim_t5=32, pooled_projection_dim=16, hidden_size=24,
        activation_fn="gelu-approximate", text_len=77, text_len_t5=256,
    )  # fmt: skip
    return d.HunyuanDiTPipeline(
        vae=_vae(4), text_encoder=first[0], tokenizer=first[1], transformer=transformer, scheduler=d.DDPMScheduler(),
        safety_checker=None, feature_extractor=None, text_encoder_2=second[0], tokenizer_2=second[1],
        requires_safety_checker=False,
    )  # fmt: skip


def _hunyuan_image(folder: Path, *, distilled: bool = False, guider: bool = False) -> Any:
    first, second = _qwen_vl(), _t5()
    transformer = d.HunyuanImageTransformer2DModel(
        in_channels=4, out_channels=4, num_attention_heads=4, attention_head_dim=8, num_layers=1, num_single_layers=1,
        num_refiner_layers=1, patch_size=(1, 1), guidance_embeds=distilled, text_embed_dim=16, text_embed_2_dim=32,
        rope_axes_dim=(4, 4),
    )  # fmt: skip
    vae = d.AutoencoderKLHunyuanImage(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(32,) * 4, layers_per_block=1,
        scaling_factor=0.47, spatial_compression_ratio=8, sample_size=64, downsample_match_channel=True,
        upsample_match_channel=True,
    )  # fmt: skip
    return d.HunyuanImagePipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(shift=7.0), vae=vae, text_encoder=first[0], tokenizer=first[1],
        text_encoder_2=second[0], tokenizer_2=second[1], transformer=transformer,
        guider=d.AdaptiveProjectedMixGuidance() if guider else None,
        ocr_guider=d.AdaptiveProjectedMixGuidance() if guider else None,
    )  # fmt: skip


def _z_image(folder: Path) -> Any:
    encoder, tokenizer = _qwen3()
    transformer = d.ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=16, dim=32, n_layers=2, n_refiner_layers=1, n_heads=2,
        n_kv_heads=2, norm_eps=1e-5, qk_norm=True, cap_feat_dim=16, rope_theta=256.0, t_scale=1000.0,
        axes_dims=[8, 4, 4], axes_lens=[1024, 32, 32],
    )  # fmt: skip
    return d.ZImagePipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(), vae=_flow_vae(16), text_encoder=encoder, tokenizer=tokenizer,
        transformer=transformer,
    )  # fmt: skip


TINY: dict[str, Callable[[Path], Any]] = {
    "flux": _flux,
    "flux_guided": lambda folder: _flux(folder, guided=True),
    "hunyuan_dit": _hunyuan_dit,
    "hunyuan_image": _hunyuan_image,
    "hunyuan_image_distilled": lambda folder: _hunyuan_image(folder, distilled=True),
    "hunyuan_image_guider": lambda folder: _hunyuan_image(folder, guider=True),
    "qwen_image": _qwen_image,
    "stable_diffusion": _stable_diffusion,
    "stable_diffusion_3": _stable_diffusion_3,
    "stable_diffusion_xl": _stable_diffusion_xl,
    "z_image": _z_image,
}
"""A function for each that makes the pipeline in memory; the folder is for what only a file can bring."""
