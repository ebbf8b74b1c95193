// offline-directline of npm, on this machine alone, and without a line of log for each conversation.
// usage: node server.cjs PORT ADDRESS_OF_THE_BOT
const express = require("express");
const { getRouter } = require("offline-directline");

console.log = () => {};
const [port, bot] = process.argv.slice(2);
express().use(getRouter(`http://127.0.0.1:${port}`, bot)).listen(Number(port), "127.0.0.1");
