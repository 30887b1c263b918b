"""Contract suites: what a catalog, a series store, blobs or a sink must do, as tests anybody can run.

Subclass a suite in a test file, give it the fixture it asks for, and pytest runs every promise of the seam
against your backend:

    from anew.testing.series import SeriesContract

    class TestMySeries(SeriesContract):
        @pytest.fixture
        def store(self):
            return MySeries()
"""
