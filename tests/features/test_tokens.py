"""Pieces of texts: whose they are, where words begin, and what is cut."""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers, trainers

from mfgsql.entities import word_units
from mfgsql.features.fields import Texts
from mfgsql.features.tokens import SPACES, WORDS, Tokenizer

NOTES = [
    "Hydraulic pump leaks, hose replaced at 14:30",
    "bearing noise after oil change (line 5)",
    "控制器 漏油，更换 oil filter",
    "Motor läuft heiß; Lager getauscht",
]
# No NUL, which no VARCHAR of DuckDB's clients is sure to keep, and no lone surrogates, which are no UTF-8.
TEXTS = st.lists(
    st.one_of(
        st.none(),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
        st.text(st.sampled_from("ab é漏油👩\u200d🔧e\u0301\n\t\u3000,.-[]"), max_size=40),
    ),
    min_size=1,
    max_size=6,
)


def trained(texts: Iterable[str] = NOTES, pieces: int = 400) -> Tokenizer:
    return Tokenizer.train([*texts] * 4, pieces)


TRAINED = trained()


def of_bytes() -> Tokenizer:
    """One that takes blanks into its pieces, and parts characters, as ModernBERT's."""
    made = Library(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.train_from_iterator(
        NOTES * 4,
        trainers.BpeTrainer(
            vocab_size=400,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=["<s>"],
            show_progress=False,
        ),
    )
    return Tokenizer(made.to_str(), (0,), (0,), 0, None)


OF_BYTES = of_bytes()


def of_row(texts: Texts, row: int) -> list[int]:
    start, length = int(texts.starts[row]), max(int(texts.lengths[row]), 0)
    return texts.flat[start : start + length].tolist()


# -- training -----------------------------------------------------------------------------------------------------------


def test_equal_texts_give_an_equal_tokenizer():
    assert trained().json == trained().json
    assert trained().json == trained(iter(NOTES)).json
    assert trained().json != trained(NOTES[:3]).json


def test_special_pieces_are_around_and_beside_the_others():
    assert (TRAINED.prefix, TRAINED.suffix, TRAINED.pad, TRAINED.mask) == ((2,), (3,), 0, 4)
    assert 5 < TRAINED.size <= 400


def test_case_is_no_difference_and_an_accent_is_one():
    texts, _ = TRAINED.encode(["Hydraulic PUMP", "hydraulic pump", "läuft", "lauft"], 50)
    assert of_row(texts, 0) == of_row(texts, 1)
    assert of_row(texts, 2) != of_row(texts, 3)


def test_how_words_are_written_is_told_where_words_are_asked_for():
    made = Tokenizer.train(["pump E-STOP", "valve at pump", "泵 PLC"] * 5)
    assert made.folds_case
    texts, _ = made.encode(["Pump", "PUMP", "pump", "泵", "1", "", None, "pUmp valve"], 20, WORDS)
    found = [texts.cases[s : s + max(n, 0)].tolist() for s, n in zip(texts.starts, texts.lengths, strict=True)]
    assert found == [[2], [3], [1], [0], [0], [], [], [4, 1]]
    assert made.encode(["Pump"], 20)[0].cases is None


def test_what_is_no_word_is_no_long_training():
    draw = random.Random(0)
    base64 = ["".join(draw.choices("abcdefghij0123456789", k=100_000)) for _ in range(3)]
    made = Tokenizer.train([*base64, "a" * 100_000, *NOTES], 500)
    assert max(len(piece) for piece in made.library.get_vocab()) <= 32
    texts, cut = made.encode(base64, 512)
    assert texts.lengths.tolist() == [512] * 3
    assert cut.all()


def test_no_text_at_all_is_a_tokenizer_that_knows_no_word():
    texts, cut = Tokenizer.train([], 100).encode(["oil", "", None], 8)
    assert texts.lengths.tolist() == [3, 0, -1]
    assert not cut.any()


def test_it_is_saved_with_what_a_network_needs_of_it():
    saved = TRAINED.to_dict()
    again = Tokenizer.from_dict(saved | {"prefix": list(saved["prefix"])}, TRAINED.json)
    assert again == TRAINED
    assert of_row(again.encode(NOTES, 50)[0], 2) == of_row(TRAINED.encode(NOTES, 50)[0], 2)


# -- pieces -------------------------------------------------------------------------------------------------------------


@given(TEXTS, st.sampled_from([None, SPACES, WORDS]), st.sampled_from([TRAINED, OF_BYTES]))
def test_a_text_is_read_by_itself_whatever_lies_beside_it(values, words, tokenizer):
    together, cut = tokenizer.encode(values, 8, words)
    assert len(together) == len(cut) == len(values)
    for row, value in enumerate(values):
        alone, cut_alone = tokenizer.encode([value], 8, words)
        assert of_row(together, row) == of_row(alone, 0)
        assert together.lengths[row] == alone.lengths[0]
        assert cut[row] == cut_alone[0]
        assert (int(together.lengths[row]) == -1) == (value is None)


@given(TEXTS, st.integers(1, 12), st.sampled_from([TRAINED, OF_BYTES]))
def test_the_first_pieces_are_those_of_the_whole(values, most, tokenizer):
    some, cut = tokenizer.encode(values, most)
    whole, _ = tokenizer.encode(values, 1_000)
    for row in range(len(values)):
        assert of_row(some, row) == of_row(whole, row)[:most]
        assert cut[row] == (int(whole.lengths[row]) > most)


@given(TEXTS, st.sampled_from([TRAINED, OF_BYTES]))
def test_words_lie_where_spaces_part_them(values, tokenizer):
    texts, _ = tokenizer.encode(values, 1_000, SPACES)
    for row, value in enumerate(values):
        first, found = texts.words(row)
        if value is None:
            assert not found
            continue
        number = {at: word for word, (begin, stop) in enumerate(word_units(value)) for at in range(begin, stop)}
        # A piece may hold several words of one character each; what a tokenizer leaves out (as ESC) makes no word.
        begun = [number[begin] for begin, _ in found]
        ended = [number[stop - 1] for _, stop in found]
        assert begun == sorted(set(begun))
        assert all(stop < begin for stop, begin in zip(ended, begun[1:], strict=False))
        assert first.tolist() == sorted(set(first.tolist()))


@given(
    st.lists(st.sampled_from(["pump", "leaks", "bearing", "noise,", "(line", "5)", "heiß;"]), max_size=12),
    st.sampled_from(["", " ", "  \n"]),
)
def test_words_of_plain_notes_are_found_as_they_are(words, blank):
    text = blank + "  ".join(words) + blank
    for tokenizer in (TRAINED, OF_BYTES):
        texts, _ = tokenizer.encode([text], 1_000, SPACES)
        assert texts.words(0)[1] == word_units(text)


@given(TEXTS, st.sampled_from([TRAINED, OF_BYTES]))
def test_places_are_characters_of_the_text(values, tokenizer):
    texts, _ = tokenizer.encode(values, 1_000, WORDS)
    for row, value in enumerate(values):
        _, units = texts.words(row)
        for begin, stop in units:
            said = value[begin:stop]
            assert said
            assert said == said.strip()
        # Where a character is several pieces, a word may begin inside it.
        assert all(stop <= begin + 1 for (_, stop), (begin, _) in zip(units, units[1:], strict=False))


def test_punctuation_is_a_word_of_its_own_where_the_tokenizer_parts_it():
    texts, _ = TRAINED.encode(["leaks, (line 5)"], 50, WORDS)
    assert [("leaks, (line 5)")[b:s] for b, s in texts.words(0)[1]] == ["leaks", ",", "(", "line", "5", ")"]
    texts, _ = TRAINED.encode(["leaks, (line 5)"], 50, SPACES)
    assert [("leaks, (line 5)")[b:s] for b, s in texts.words(0)[1]] == ["leaks,", "(line", "5)"]


def test_characters_of_chinese_are_words():
    texts, _ = TRAINED.encode(["控制器漏油 pump"], 50, SPACES)
    assert texts.words(0)[1] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 10)]


def test_a_note_that_names_special_pieces_says_letters():
    texts, _ = TRAINED.encode(["[MASK] [PAD] [CLS]"], 50)
    special = {TRAINED.mask, TRAINED.pad, *TRAINED.prefix, *TRAINED.suffix}
    assert not special & set(of_row(texts, 0))


@pytest.mark.parametrize("tokenizer", [TRAINED, OF_BYTES])
def test_a_long_text_is_cut_and_blanks_behind_it_are_no_loss(tokenizer):
    texts, cut = tokenizer.encode(["bearing noise " * 7_500, "oil" + " " * 100_000, "oil"], 512, SPACES)
    assert texts.lengths[0] == 512
    assert cut.tolist() == [True, len(of_row(texts, 1)) == 512, False]
    assert len(texts.words(0)[1]) > 0


def test_a_checkpoint_that_asks_for_cutting_and_padding_is_not_heeded():
    library = Library.from_str(TRAINED.json)
    library.enable_truncation(3)
    library.enable_padding(length=9)
    texts, _ = Tokenizer.from_dict(TRAINED.to_dict(), library.to_str()).encode([NOTES[0], "oil"], 50)
    assert int(texts.lengths[0]) > 3
    assert int(texts.lengths[1]) < 9


def test_rows_are_taken_without_their_pieces_being_copied():
    texts, _ = TRAINED.encode([*NOTES, None, ""], 50, SPACES)
    some = texts[np.array([2, 4, 0])]
    assert of_row(some, 0) == of_row(texts, 2)
    assert some.there.tolist() == [True, False, True]
    assert some.words(2)[1] == texts.words(0)[1]
    assert some.flat.data_ptr() == texts.flat.data_ptr()
