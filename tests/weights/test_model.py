"""Models of every framework this room names, committed and restored."""

import dataclasses
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import ml_dtypes
import numpy as np
import pytest

from anew.errors import InvalidValue, NotFound, WeightsError
from anew.weights import Weights, model_to_weights
from later import later
from tensors import assert_same, commit

torch = later("torch")
linen = later("flax.linen")
nnx = later("flax.nnx")
jax = later("jax")
jnp = later("jax.numpy")
optax = later("optax")


def network():
    return torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 2)
    )


def train(module, optimizer, steps=2):
    for _ in range(steps):
        optimizer.zero_grad()
        module(torch.randn(16, 6)).square().mean().backward()
        optimizer.step()


def test_a_torch_module_comes_back_with_its_buffers(repo):
    module = network()
    train(module, torch.optim.SGD(module.parameters(), lr=0.1))
    commit(repo, model_to_weights(module))
    other = network()
    repo.load_into(other)
    for name, value in module.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    assert other[1].num_batches_tracked == 2
    third = network()
    repo.get_all_weights().load_into(third)
    assert torch.equal(third[0].weight, module[0].weight)


@pytest.mark.parametrize("name", ["Adam", "SGD", "LBFGS"])
def test_an_optimizer_goes_on_where_it_was(repo, name):
    kind = getattr(torch.optim, name)
    torch.manual_seed(0)
    module = network()
    options = {"momentum": 0.9} if kind is torch.optim.SGD else {}
    optimizer = kind(module.parameters(), lr=0.01, **options)
    data = torch.randn(16, 6)

    def step(module, optimizer):
        def loss():
            optimizer.zero_grad()
            value = module(data).square().mean()
            value.backward()
            return value

        optimizer.step(loss)

    step(module, optimizer)
    repo.stage_weights(module, optimizer=optimizer)
    repo.commit("one step")
    twin = network()
    follower = kind(twin.parameters(), lr=0.5, **options)
    repo.load_into(twin)
    repo.load_into(follower)
    step(module, optimizer)
    step(twin, follower)
    for name, value in module.state_dict().items():
        assert torch.equal(twin.state_dict()[name], value), name


def test_a_module_that_does_not_fit_is_refused_and_unchanged(repo):
    commit(repo, network())
    wrong = torch.nn.Sequential(torch.nn.Linear(6, 8))
    before = wrong[0].weight.clone()
    with pytest.raises(WeightsError):
        repo.load_into(wrong)
    assert torch.equal(wrong[0].weight, before)
    with pytest.raises(WeightsError):
        repo.load_into(torch.nn.LayerNorm(3))
    halved = network().half()
    with pytest.raises(WeightsError):
        repo.load_into(halved)
    wide = torch.nn.Sequential(
        torch.nn.Linear(6, 9), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 2)
    )
    with pytest.raises(WeightsError):
        repo.load_into(wide)
    with pytest.raises(WeightsError):
        repo.load_into(torch.optim.Adam(network().parameters()))


def test_the_extra_state_of_a_module_is_kept(repo):
    class WithExtra(torch.nn.Linear):
        """A module that keeps more than tensors."""

        vocabulary: tuple = ()

        def get_extra_state(self):
            return {"vocabulary": self.vocabulary, "scale": torch.ones(2)}

        def set_extra_state(self, state):
            self.vocabulary = state["vocabulary"]
            self.scale = state["scale"]

    module = WithExtra(2, 2)
    module.vocabulary = ("a", "b")
    commit(repo, module)
    other = WithExtra(2, 2)
    repo.load_into(other)
    assert other.vocabulary == ("a", "b")
    assert torch.equal(other.scale, torch.ones(2))


def test_a_float8_module_is_loaded_as_it_was(repo):
    module = torch.nn.Linear(4, 4, bias=False)
    module.weight = torch.nn.Parameter(module.weight.to(torch.float8_e4m3fn), requires_grad=False)
    commit(repo, module)
    other = torch.nn.Linear(4, 4, bias=False)
    other.weight = torch.nn.Parameter(
        torch.zeros(4, 4, dtype=torch.float8_e4m3fn), requires_grad=False
    )
    repo.load_into(other)
    assert torch.equal(other.weight.view(torch.uint8), module.weight.view(torch.uint8))


def test_jax_and_flax_trees_come_back_nested(repo):
    module = linen.Dense(3)
    params = module.init(jax.random.key(0), jnp.ones((1, 4)))
    state = optax.adam(1e-3).init(params)
    repo.stage_weights(params, optimizer=state)
    repo.commit("flax")
    weights = repo.get_all_weights()
    assert weights.framework == "jax"
    assert set(weights) >= {"params/kernel", "params/bias"}
    back = weights.nested()
    assert np.array_equal(
        module.apply(back, jnp.ones((1, 4))), module.apply(params, jnp.ones((1, 4)))
    )
    leaves = jax.tree_util.tree_leaves(state)
    assert len(jax.tree_util.tree_leaves(weights.nested("optimizer"))) == len(leaves)


def test_jax_arrays_of_small_types_and_random_keys_come_back(repo):
    tree = {
        "bf16": jnp.ones(3, jnp.bfloat16),
        "int4": jnp.array([1, -2], jnp.int4),
        "f8": jnp.ones(2, jnp.float8_e4m3fn),
        "key": jax.random.key(7),
    }
    commit(repo, tree)
    back = repo.get_all_weights()
    assert back["bf16"].dtype == ml_dtypes.bfloat16
    assert back["int4"].tolist() == [1, -2]
    assert jax.random.wrap_key_data(back["key"]) == tree["key"]


def test_a_flax_nnx_module_gives_its_state(repo):
    module = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    commit(repo, module)
    assert np.array_equal(repo.get_all_weights().nested()["kernel"], np.asarray(module.kernel[...]))


def test_a_class_that_jax_was_told_about_gives_its_leaves(repo):
    @jax.tree_util.register_dataclass
    @dataclasses.dataclass
    class Plain:
        w: object
        step: object

    commit(repo, Plain(jnp.ones(2), 3))
    assert repo.get_all_weights()["w"].tolist() == [1, 1]
    assert repo.get_all_weights().nested("leaves") == {"step": 3}


def test_a_keras_model_comes_back(repo):
    import keras

    def model():
        return keras.Sequential(
            [
                keras.layers.Input((4,)),
                keras.layers.Dense(3, name="d"),
                keras.layers.BatchNormalization(name="n"),
            ]
        )

    first = model()
    commit(repo, first)
    second = model()
    assert set(repo.get_all_weights()) == {
        "d/kernel",
        "d/bias",
        "n/gamma",
        "n/beta",
        "n/moving_mean",
        "n/moving_variance",
    }
    repo.load_into(second)
    for left, right in zip(first.weights, second.weights, strict=True):
        assert torch.equal(left.value, right.value)


def test_a_scikit_learn_estimator_gives_what_fit_left(repo):
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression

    x = np.random.default_rng(0).standard_normal((40, 3))
    y = np.array(["no", "yes"])[(x[:, 0] > 0).astype(int)]
    fitted = LogisticRegression().fit(x, y)
    commit(repo, fitted)
    state = repo.get_all_weights().nested()
    assert np.array_equal(state["coef_"], fitted.coef_)
    assert list(state["classes_"]) == ["no", "yes"]
    commit(repo, PCA(2).fit(x))
    assert repo.get_all_weights().nested()["n_features_in_"] == 3
    with pytest.raises(InvalidValue):
        model_to_weights(PCA())


def test_a_forest_is_refused_by_name_and_not_kept_without_its_trees(repo):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(3).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(InvalidValue, match="tree_"):
        model_to_weights(forest)


def test_what_is_no_model_is_refused():
    with pytest.raises(InvalidValue):
        model_to_weights(object())
    with pytest.raises(InvalidValue):
        model_to_weights({"a": np.ones(1), "b": {"c": object()}})
    with pytest.raises(NotFound):
        Weights({"a": np.ones(1)}).nested()


def test_more_nested_state_may_go_along(repo):
    repo.stage_weights(
        model_to_weights(
            {"w": np.ones(2)}, extra={"ema": {"w": np.zeros(2)}, "rng": {"state": 2**70}}
        )
    )
    repo.commit("with more")
    weights = repo.get_all_weights()
    assert weights.nested("rng") == {"state": 2**70}
    assert_same(weights.nested("ema"), {"w": np.zeros(2)})


def test_dicts_of_arrays_are_filled_in_place(repo):
    commit(repo, {"w": np.ones(3), "b": np.zeros(2)})
    target = {"w": np.zeros(3), "b": np.ones(2)}
    repo.load_into(target)
    assert_same(target, {"w": np.ones(3), "b": np.zeros(2)})
    with pytest.raises(InvalidValue):
        repo.load_into(object())
