"""The switches as a form."""

from typing import TYPE_CHECKING

from django import forms

from billing_sandbox.models import Switches

if TYPE_CHECKING:
    SwitchesModelForm = forms.ModelForm[Switches]
else:
    SwitchesModelForm = forms.ModelForm


class SwitchesForm(SwitchesModelForm):
    """All switches at once."""

    class Meta:
        model = Switches
        fields = ["webhooks", "latency_ms", "error_percent", "silent"]
        widgets = {"webhooks": forms.RadioSelect}
