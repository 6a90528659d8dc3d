"""Read a page as a parser does, to ask what it holds: elements, attributes, names, headings."""

from html.parser import HTMLParser

VOID = {"input", "meta", "link", "br", "img", "hr", "col"}


class Element:
    def __init__(self, tag, given, parent):
        self.tag = tag
        self.given = given
        self.parent = parent
        self.text = ""

    def within(self, tag):
        at = self.parent
        while at is not None:
            if at.tag == tag:
                return at
            at = at.parent
        return None


class Page(HTMLParser):
    """All elements of a page, in order. Raises AssertionError where tags do not nest."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self._open = []
        self.feed(html)
        self.close()
        assert not self._open, [element.tag for element in self._open]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, dict(attrs), self._open[-1] if self._open else None)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs), self._open[-1] if self._open else None))

    def handle_endtag(self, tag):
        assert self._open, tag
        assert self._open[-1].tag == tag, (self._open[-1].tag, tag, self.getpos())
        self._open.pop()

    def handle_data(self, data):
        for element in self._open:
            element.text += data

    def all(self, tag):
        return [element for element in self.elements if element.tag == tag]
