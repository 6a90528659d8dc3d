"""What images said is kept in files, as many as there is room for."""

import os

from lastgood.core.image_facts import ImageFacts
from lastgood.registry.cache import FactsCache


def facts(number: int) -> ImageFacts:
    return ImageFacts(digest=f"sha256:{number:064x}")


def test_the_oldest_go_when_there_are_too_many(tmp_path):
    """The folder has a bound, for a later process as well; what is new is always kept."""
    for begin in (0, 100):
        cache = FactsCache(tmp_path, max_files=20)
        for number in range(begin, begin + 50):
            cache.write("registry/shop", facts(number))
            os.utime(cache._file("registry/shop", facts(number).digest), (number, number))
            assert len(list((tmp_path / "3").iterdir())) <= 20
            assert cache.read("registry/shop", facts(number).digest) == facts(number)
        assert cache.read("registry/shop", facts(begin).digest) is None


def test_a_disk_that_takes_nothing_costs_only_the_memory(tmp_path):
    """Writing fails in silence, and nothing half-written is left."""
    (tmp_path / "file").write_text("")
    cache = FactsCache(tmp_path / "file")
    cache.write("registry/shop", facts(1))
    assert cache.read("registry/shop", facts(1).digest) is None


def test_another_repository_has_nothing_of_it(tmp_path):
    """A digest is asked for under its own name: who may see one repository need not see the other."""
    cache = FactsCache(tmp_path)
    cache.write("registry/shop", facts(1))
    assert cache.read("registry/other", facts(1).digest) is None
