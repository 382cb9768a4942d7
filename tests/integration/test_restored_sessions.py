"""The statement of the operator's guide that ends the sessions which a restored backup brought back."""

from datetime import timedelta
from uuid import RFC_4122

from tests.support.application import served, settings_for
from tests.support.client import bearer
from tests.support.documents import OPERATOR_GUIDE
from tests.support.rows import connected, end_reason, let_pass


async def test_sessions_of_a_backup_end_at_once_and_their_owner_is_told(database_url: str) -> None:
    """In the record, and in an export, as of any other end."""
    async with served(settings_for(database_url)) as client, connected(database_url) as connection:
        ada = await client.registered()
        live, idle, gone = [await client.signed_in(ada) for _ in range(3)]
        await client.log_out(gone.access_token)
        await let_pass(database_url, idle.session_id, timedelta(hours=2))

        await connection.execute(OPERATOR_GUIDE.code("sql", section="Backup and restore"))

        assert (await client.profile(live.access_token)).status_code == 401
        assert (await client.refresh(live.refresh_token)).status_code == 401
        assert await end_reason(database_url, gone.session_id) == "logged_out"
        assert await end_reason(database_url, idle.session_id) is None, "it had ended by itself"
        queued = (
            "SELECT e.id, e.session_id FROM events AS e JOIN audit_queue USING (position) WHERE data ->> 'reason' = $1"
        )
        [event] = await connection.fetch(queued, "restored")
        assert event["session_id"] == live.session_id
        assert (event["id"].version, event["id"].variant) == (7, RFC_4122)

        anew = await client.signed_in(ada)
        export = (await client.http.get("/v1/users/me/export", headers=bearer(anew.access_token))).json()
        assert [each["end_reason"] for each in export["sessions"]] == ["restored", None, "logged_out", None]
        told = [each["data"] for each in export["events"] if each["type"] == "session.ended"]
        assert told == [{"reason": "logged_out"}, {"reason": "restored"}]
