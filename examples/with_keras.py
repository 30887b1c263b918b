"""Train a small network on handwritten digits with Keras. Then: `anew show examples/digits/keras`."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # or jax, or tensorflow

import keras
from sklearn.datasets import load_digits

from anew.integrations.keras import AnewCallback


def main() -> None:
    """Train, keep the model each time it gets better, evaluate."""
    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = images / 16
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    model.compile(
        keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    quarter = keras.callbacks.ReduceLROnPlateau(factor=0.25, patience=2)
    with AnewCallback(
        "examples/digits/keras", log_batches=5, log_model="best", tags=["example"]
    ) as callback:
        model.fit(
            images[:1400],
            labels[:1400],
            validation_split=0.2,
            epochs=6,
            batch_size=64,
            callbacks=[quarter, callback],
            verbose=0,
        )
        model.evaluate(images[1400:], labels[1400:], callbacks=[callback], verbose=0)


if __name__ == "__main__":
    main()
