"""A text GAN for captions and other short sentences: likelihood first, then a critic that refines.

It is for a file with a sentence a line, `inkloom train captions.txt --documents lines --recipe captions-gan`.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "tokenizer": {"name": "word"},
    "model": {
        "name": "gan",
        # Captions are short: 98 % have fewer words.
        "width": 128,
        "heads": 4,
        "feed_forward": 4,
        "mapping_layers": 2,
        "noise_blocks": 2,
        # Likelihood makes a generator whose words are to be drawn; the likeliest ones are always the same sentence.
        "output": "gumbel",
        "pretraining": 0.85,
        "likelihood_weight": 1.0,
        "critic_layers": 1,
        "critic_blocks": 2,
        "critic_output_layers": 1,
        "critic_steps": 3,
        "critic_learning_rate": 3e-4,
    },
    "training": {
        "seq_len": 28,
        "budget": 600.0,
        # The cosine brings it from what likelihood wants to what the critic's phase does.
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "warm_up": 0.02,
        "beta1": 0.9,
        "beta2": 0.99,
        "clip": 1.0,
        "validations": 20,
    },
}
