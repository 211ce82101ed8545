export { createWeriftViewer, type WeriftViewer } from '../../bench/support/werift-viewer.ts';
