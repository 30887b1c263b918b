"""Train a very small language model on made-up sums. Then: `anew show examples/sums/transformers`."""

from __future__ import annotations

import random

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from anew.integrations.transformers import AnewCallback

TOKENS = "0123456789+=;"


class Sums(torch.utils.data.Dataset):
    """Sums such as `3+9=12;`, as numbers of tokens."""

    def __init__(self, count: int, seed: int) -> None:
        made = random.Random(seed)
        self.rows = []
        for _ in range(count):
            a, b = made.randrange(10), made.randrange(10)
            text = f"{a}+{b}={a + b};".ljust(8, ";")
            self.rows.append(torch.tensor([TOKENS.index(c) for c in text]))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.rows[at], "labels": self.rows[at]}


def main() -> None:
    """Train a little, evaluate while training, keep the model."""
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    size = {"n_positions": 8, "n_embd": 32, "n_layer": 2, "n_head": 2}
    special = {"bos_token_id": len(TOKENS) - 1, "eos_token_id": len(TOKENS) - 1}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(TOKENS), **size, **special))
    args = TrainingArguments(
        output_dir="sums",
        max_steps=60,
        per_device_train_batch_size=32,
        learning_rate=1e-2,
        logging_steps=10,
        eval_strategy="steps",
        eval_steps=20,
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    with AnewCallback("examples/sums/transformers", log_model=True, tags=["example"]) as callback:
        trainer = Trainer(
            model,
            args,
            train_dataset=Sums(2000, 0),
            eval_dataset=Sums(200, 1),
            callbacks=[callback],
        )
        trainer.train()
        trainer.evaluate()


if __name__ == "__main__":
    main()
