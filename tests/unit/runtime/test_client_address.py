import pytest

from services.runtime.client_address import UNKNOWN, address_group, is_local


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", UNKNOWN),
        ("testclient", UNKNOWN),
    ],
)
def test_addresses_of_one_customer_are_one_group(host: str, group: str) -> None:
    assert address_group(host) == group


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", ""])
def test_loopback_and_unix_sockets_are_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["192.0.2.7", "0.0.0.0", "2001:db8::1", "::ffff:192.0.2.7", "localhost.example"])
def test_other_addresses_are_not_local(host: str) -> None:
    assert not is_local(host)
