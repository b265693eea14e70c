// Snowplow's tracker as its documentation sets it up: page view, clicks on buttons, sent to a collector.

const { newTracker, trackPageView } = window.snowplowBrowserTracking;
const { ButtonClickTrackingPlugin, enableButtonClickTracking } = window.snowplowButtonClickTracking;
newTracker("bench", location.origin, {
  appId: "bench",
  plugins: [ButtonClickTrackingPlugin()],
});
trackPageView();
enableButtonClickTracking();
