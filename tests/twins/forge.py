"""Forges and trackers in memory: the twin of the adapters that ask them."""

from lastgood.core.errors import ForgeFailed


class MemoryForge:
    """The port Forge. said: answers by question, as `asked` has them; away: why nobody answers, "" where they do."""

    def __init__(self):
        self.said = {}
        self.asked = []
        self.away = ""

    async def pull_request(self, repo, number):
        return self._answer("pull", repo.base, number)

    async def issue(self, repo, number):
        return self._answer("issue", repo.base, number)

    async def ticket(self, page):
        return self._answer("ticket", page)

    async def build(self, repo, commit):
        return self._answer("build", repo.base, commit)

    def _answer(self, *question):
        self.asked.append(question)
        if self.away:
            raise ForgeFailed(forge="https://git.example.com", reason=self.away)
        return self.said.get(question)
