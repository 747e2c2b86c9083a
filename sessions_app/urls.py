"""Paths below /api/v1/."""

from django.urls import path

from sessions_app import api, api_visitor, track

urlpatterns = [
    path("storefront/session", api.StartSessionView.as_view()),
    path("storefront/session/current", api.CurrentSessionView.as_view()),
    path("storefront/session/track-event", api.TrackEventView.as_view()),
    path("storefront/session/active-users", api.ActiveUsersView.as_view()),
    path("storefront/session/clear", api.ClearSessionView.as_view()),
    path("storefront/session/consent", api.ConsentView.as_view()),
    path("storefront/visitor", api_visitor.VisitorView.as_view()),
    path("storefront/visitor/export", api_visitor.ExportVisitorView.as_view()),
    path("analytics/track", track.track),
]
