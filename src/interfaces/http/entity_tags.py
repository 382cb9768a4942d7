"""Entity tags, by which a client says what it has (RFC 9110 8.8.3)."""


def names_tag(if_none_match: str, etag: str) -> bool:
    """Whether the header's value names the tag, compared weakly (RFC 9110 13.1.2).

    An asterisk names every tag when it is the whole value; within a tag it is a character like any other.
    """
    return if_none_match.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
