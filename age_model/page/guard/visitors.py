"""How much one visitor may ask for: requests and seconds of work, and turns in the queue."""

import ipaddress
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

REQUESTS_A_MINUTE = 120  # that begin something, of one address
REQUESTS_AT_ONCE = 60
WORK_SHARE = 0.5  # of the time, that may be spent on one address
WORK_AT_ONCE = 180.0  # seconds of it at a stretch: a large batch
UPLOADS_AT_ONCE = 8  # of one address
REMEMBERED = 10_000  # addresses

TOO_MANY = "Too many requests from your address: try again in {seconds} seconds."


class Bucket:
    """Tokens that come back with time.

    Attributes:
        level: how many there are, fewer than none where more was spent.
    """

    def __init__(self, size: float, a_second: float, now: float):
        self._size, self._a_second, self._at = size, a_second, now
        self.level = size

    def wait(self, now: float) -> float:
        """Seconds until there is one."""
        self.level = min(self._size, self.level + self._a_second * (now - self._at))
        self._at = now
        return max(0.0, (1 - self.level) / self._a_second)


class Visitors:
    """What each address has asked for lately.

    An address of this machine is not limited: behind a proxy that is not named, all visitors would
    have it, and the page's MCP server asks from there.
    """

    def __init__(
        self,
        requests_a_minute: int = REQUESTS_A_MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Allow each address so many requests a minute; 0 allows all."""
        self._a_second, self._clock = requests_a_minute / 60, clock
        self._requests: OrderedDict[str, Bucket] = OrderedDict()
        self._work: OrderedDict[str, Bucket] = OrderedDict()
        self._uploads: Counter[str] = Counter()

    def seconds_to_wait(self, address: str) -> int:
        """Whole seconds until an address may ask for something; 0: it does so now."""
        if not self._limits(address):
            return 0
        now, name = self._clock(), _network(address)
        requests = self._bucket(self._requests, name, REQUESTS_AT_ONCE, self._a_second)
        work = self._bucket(self._work, name, WORK_AT_ONCE, WORK_SHARE)
        wait = max(requests.wait(now), work.wait(now))
        if wait == 0:
            requests.level -= 1
        return math.ceil(wait)

    def worked(self, address: str, seconds: float) -> None:
        """Note that an address was worked for."""
        if self._limits(address):
            bucket = self._bucket(self._work, _network(address), WORK_AT_ONCE, WORK_SHARE)
            bucket.wait(self._clock())
            bucket.level -= seconds

    def begin_upload(self, address: str) -> bool:
        """Whether an address may begin another upload; `end_upload` is to follow then."""
        if self._limits(address) and self._uploads[_network(address)] >= UPLOADS_AT_ONCE:
            return False
        self._uploads[_network(address)] += 1
        return True

    def end_upload(self, address: str) -> None:
        """Note that an upload of an address is over."""
        name = _network(address)
        self._uploads[name] -= 1
        if self._uploads[name] <= 0:
            del self._uploads[name]

    def _limits(self, address: str) -> bool:
        return self._a_second > 0 and not is_here(address)

    def _bucket(
        self, buckets: OrderedDict[str, Bucket], name: str, size: float, a_second: float
    ) -> Bucket:
        bucket = buckets.pop(name, None) or Bucket(size, a_second, self._clock())
        buckets[name] = bucket  # the last to be forgotten
        if len(buckets) > REMEMBERED:
            buckets.popitem(last=False)
        return bucket


class FairQueue(list[Any]):
    """Gradio's waiting events, in which visitors take turns: one with 30 holds up nobody with one.

    Gradio appends each event, and takes the first. Here an event that is a visitor's third goes
    before every other's fourth.
    """

    def append(self, event: Any) -> None:
        """Put an event in its place."""
        before: Counter[str] = Counter()
        turn = sum(_visitor(other) == _visitor(event) for other in self)
        for index, other in enumerate(self):
            if before[_visitor(other)] > turn:
                self.insert(index, event)
                return
            before[_visitor(other)] += 1
        super().append(event)


def is_here(address: str) -> bool:
    """Whether an address is one of this machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _network(address: str) -> str:
    """What counts as one visitor: an IPv4 address, or the 2**64 of IPv6 that a customer has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address


def _visitor(event: Any) -> str:
    """Address and session that an event of Gradio's came from."""
    request = getattr(event, "request", None)
    client = getattr(request, "client", None)
    address = getattr(client, "host", "")
    return address if address and not is_here(address) else str(event.session_hash)
