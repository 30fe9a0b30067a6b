import msgspec

from recommender.serving.basis import Ground
from recommender.serving.kept_answers import MOST_BYTES_EACH, KeptAnswer, KeptAnswers
from recommender.serving.schemas import Recommendations

SAID = Recommendations(
    recommendation_id="QReNoTMRaI8FUU5KAQIFbW9uZGF5",
    items=(),
    source="personal",
    snapshot="monday",
    generated_at="2026-11-20T04:00:00Z",
    stale=False,
    degraded=False,
)
GROUND = Ground(None, "monday", lambda: None, None, 0)


def answer(number: int, size: int = 0) -> KeptAnswer:
    said = msgspec.structs.replace(SAID, recommendation_id=f"{number:08}{SAID.recommendation_id}")
    return KeptAnswer(GROUND, None, number, said, msgspec.json.encode(said).ljust(size))


def test_an_answer_is_found_with_the_beginning_of_its_id():
    kept = KeptAnswers(1 << 20)
    kept.put("one", answer(1))
    kept.put("two", answer(2))
    assert (kept.get("one").at, kept.get("two").at, kept.get("three")) == (1, 2, None)
    assert kept.get("two").id_begins(16) == "00000002QReNoTMR"
    assert kept.get("one").frame is kept.get("two").frame


def test_what_is_asked_for_stays_and_the_rest_goes():
    kept = KeptAnswers(200_000)
    kept.put("often", answer(0))
    for number in range(1_000):
        kept.put(f"once {number}", answer(number))
        assert kept.get("often") is not None
    assert all(kept.get(f"once {number}") is not None for number in range(999, 949, -1))
    assert sum(kept.get(f"once {number}") is not None for number in range(1_000)) < 300


def test_large_answers_and_answers_to_large_bodies_are_not_kept():
    kept = KeptAnswers(1 << 20)
    kept.put("large", answer(1, MOST_BYTES_EACH + 1))
    kept.put("x" * (MOST_BYTES_EACH + 1), answer(1))
    assert kept.get("large") is None and kept.get("x" * (MOST_BYTES_EACH + 1)) is None


def test_nothing_is_left_once_it_is_cleared():
    kept = KeptAnswers(3_000)
    for number in range(6):
        kept.put(str(number), answer(number))
    kept.clear()
    assert [kept.get(str(number)) for number in range(6)] == [None] * 6


def test_an_answer_that_grows_under_its_name_is_counted():
    kept = KeptAnswers(20_000)
    for size in range(1_000, 8_000, 1_000):
        for name in ("a", "b", "c"):
            kept.put(name, answer(1, size))
    assert sum(len(one.body) for part in (kept._young, kept._old) for one in part.values()) < 40_000
