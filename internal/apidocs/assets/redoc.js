// Starts Redoc on the service's own description, with the fonts that the reader has,
// and without its search, which would need a worker.
"use strict";

Redoc.init(
  new URL("openapi.json", document.baseURI).href,
  {
    disableSearch: true,
    hideDownloadButton: true,
    hideLoading: true,
    scrollYOffset: 48,
    theme: {
      typography: {
        fontFamily: "system-ui, sans-serif",
        headings: { fontFamily: "system-ui, sans-serif" },
        code: { fontFamily: "ui-monospace, monospace" },
      },
    },
  },
  document.getElementById("api"),
);
