"""What is said of items, as weighted terms that items have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from recommender.data.catalog import Catalog, Texts

MOST_WORDS = 20_000
MOST_TERMS = 50_000
"""Terms of one kind, those of the most items: what long descriptions would need beyond that is noise."""

_WORD = r"[^\W\d_]{2,}"
"""Letters only: sizes and article numbers say little of what a thing is."""
_WORDY = 4.0
"""An attribute of so many words on average is a text, like a description; with fewer it is a fact."""


def item_words(catalog: Catalog) -> csr_array:
    """Words of title, category and brand by TF-IDF.

    Args:
        catalog: of n items.

    Returns:
        Shape (n_items, n_words) float32, rows of length 1; empty for an item of which nothing is said, or
        nothing that is also said of another. At most `MOST_WORDS` words, those of the most items.
    """
    said = [
        " ".join(filter(None, texts))
        for texts in zip(catalog.title, catalog.category, catalog.brand, strict=True)
    ]
    everything = np.ones(len(said), bool)
    return _tf_idf(said, everything, token_pattern=_WORD, max_features=MOST_WORDS)


def item_terms(catalog: Catalog, seen: NDArray[np.bool_]) -> csr_array:
    """All that is said of items by TF-IDF, in three blocks whose rows each have length 1.

    - words and pairs of words of the title and of attributes that are texts,
    - pieces of four letters of the same, so that `teapot` and `tea pots` have something in common,
    - facts: category, brand and every other attribute, each value as a whole.

    Args:
        catalog: of n items.
        seen: shape (n_items,), items that may teach what a term means; one that fewer than two of them have
            is left out, and rarity is counted among them.

    Returns:
        Shape (n_items, n_terms) float32; an empty row where nothing is said that is said of another.
    """
    texts, facts = _texts_and_facts(catalog)
    often = {"max_features": MOST_TERMS, "sublinear_tf": True}
    blocks = (
        _tf_idf(texts, seen, token_pattern=r"\w+", ngram_range=(1, 2), **often),
        _tf_idf(texts, seen, analyzer="char_wb", ngram_range=(4, 4), **often),
        _tf_idf(facts, seen, analyzer=list, **often),
    )
    return csr_array(scipy.sparse.hstack(blocks, format="csr", dtype=np.float32))


def _texts_and_facts(catalog: Catalog) -> tuple[list[str], list[list[str]]]:
    wordy = {name: _is_text(values) for name, values in catalog.attributes.items()}
    long = [catalog.title, *(values for name, values in catalog.attributes.items() if wordy[name])]
    short = {"category": catalog.category, "brand": catalog.brand}
    short |= {f"attribute {name}": values for name, values in catalog.attributes.items() if not wordy[name]}
    texts = [" ".join(filter(None, said)) for said in zip(*long, strict=True)]
    facts = [
        [f"{name}: {value}" for name, value in zip(short, said, strict=True) if value]
        for said in zip(*short.values(), strict=True)
    ]
    return texts, facts


def _is_text(values: Texts) -> bool:
    words = [len(value.split()) for value in values if value]
    return bool(words) and float(np.mean(words)) >= _WORDY


def _tf_idf(said: Sequence[Any], seen: NDArray[np.bool_], **how: Any) -> csr_array:
    terms = TfidfVectorizer(min_df=2, dtype=np.float32, **how)
    try:
        terms.fit([said[item] for item in np.flatnonzero(seen).tolist()])
    except ValueError:
        # scikit-learn refuses texts without a term that two of them share; here that is one kind of shop.
        return csr_array((len(said), 1), dtype=np.float32)
    return csr_array(terms.transform(said))
