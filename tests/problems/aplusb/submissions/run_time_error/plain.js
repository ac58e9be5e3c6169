console.log(null.sum);
