"""Every text that is stored. tests/e2e/test_payloads.py puts a payload into each that people choose."""

from __future__ import annotations

CHOSEN = {
    "access_token.name",
    "audit_entry.detail",  # titles of streams that an admin has ended
    "account_notice.detail",  # names of access tokens
    "chat_message.text",
    "passkey.name",
    "recording.title",
    "stream.title",
    "user.about",
    "user.display_name",
}
"""People choose them, letter by letter."""

FIXED = {
    "ids and names of rooms": """chat_message.id chat_message.stream_id chat_mute.stream_id discarded_recording.id
        event.about passkey.id
        event_connection.id friend_request.id invite.id access_token.id account_notice.id push_message.stream_id
        reaction.stream_id recording.id recording.clip_of recording_listen.recording_id recording_share.recording_id stage_seat.id
        stage_seat.stream_id stream.id stream.room_key stream_sample.stream_id webhook_delivery.id user.avatar
        user.file_id login_session.public_id""",
    "user names, of letters, digits, - and _": """audit_entry.actor audit_entry.about reset_wish.username_key user.username
        user.username_key""",
    "words of a list": """access_token.scopes account_notice.kind audit_entry.act event.kind friend_request.status
        login_session.browser login_session.system notice_mail.kind reaction.kind recording.audience recording.state setting.key
        setting.value stream.quality stream.state user.audience user.browser_language user.language user.quality user.theme""",
    "hashes, keys and marks": """access_token.token_hash authenticator_app.secret former_name.name_hash known_browser.nonce_hash
        login_session.token_hash push_subscription.auth push_subscription.p256dh recovery_code.code_hash reset_link.token_hash
        stage_seat.login user.password_hash""",
    "addresses, which are checked": """access_token.networks login_session.network notice_mail.address
        push_subscription.endpoint user.email""",
    "on no page": """event.data limited_act.subject login_failure.subject notice_mail.detail recording.gaps recording.paused
        recording.title_key stream.agent_beat stream.listener_ids""",
}
"""Nobody chooses them letter by letter, or no page shows them."""


def fixed() -> set[str]:
    return {name for names in FIXED.values() for name in names.split()}
